//! The first administrator: while nobody holds super admin or god, each start
//! makes a code that turns the member who sends it into a god, once.
//!
//! The code has 128 bits and lies in the database as a hash, so that it holds on
//! all nodes; a later start replaces it, and it is gone as soon as somebody
//! holds one of the two roles, however they came to it.

use super::{ops, store};
use crate::{MemberId, Role, audit::Action};
use base::{
    Result,
    error::{conflict, forbidden},
};
use platform::AppState;

/// Crockford's alphabet: no letter that is read as a digit.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters of five bits each that hold 128.
const LENGTH: usize = 26;

/// Makes the code of this start, unless there is an administrator. It is shown to
/// a human at once and kept nowhere.
pub async fn offer(app: &AppState) -> Result<Option<String>> {
    let code = write(app.entropy.bytes());
    let (hash, now) = (hash(&code), app.clock.now());
    let needed = app
        .db
        .write_again(move |tx| async move {
            store::alone(&tx).await?;
            if store::has_administrator(&tx).await? {
                store::delete_code(&tx).await?;
                return Ok(false);
            }
            store::put_code(&tx, hash, now).await?;
            Ok(true)
        })
        .await?;
    Ok(needed.then_some(code))
}

/// Makes the member a god if the code is right.
pub async fn redeem(app: &AppState, member: MemberId, code: &str) -> Result<()> {
    let (own, shown) = (app.clone(), hash(code));
    app.db
        .write_again(move |tx| async move {
            store::alone(&tx).await?;
            if store::has_administrator(&tx).await? {
                return Err(conflict("administrator_exists"));
            }
            let kept = store::find_code(&tx).await?;
            // Hashes are compared: their order tells nothing about the code.
            if kept.is_none_or(|kept| kept != shown) {
                return Err(forbidden("wrong_code"));
            }
            store::delete_code(&tx).await?;
            store::give(&tx, member, Role::God, None, own.clock.now()).await?;
            ops::note_roles(
                &tx,
                &own,
                Some(member),
                member,
                Action::FirstAdministrator,
                Role::God,
            )
            .await
        })
        .await
}

fn write(bits: [u8; 16]) -> String {
    let mut number = u128::from_be_bytes(bits);
    let mut letters = [0; LENGTH];
    for letter in letters.iter_mut().rev() {
        *letter = LETTERS[(number & 31) as usize];
        number >>= 5;
    }
    let groups: Vec<String> = letters
        .chunks(4)
        .map(|group| group.iter().copied().map(char::from).collect())
        .collect();
    groups.join("-")
}

/// Of the letters alone, however they were typed.
fn hash(code: &str) -> [u8; 32] {
    let letters: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        })
        .collect();
    blake3::derive_key("mundo-tango first administrator's code", letters.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_128_bits_and_may_be_typed_carelessly() {
        assert_eq!(write([0; 16]), "0000-0000-0000-0000-0000-0000-00");
        assert_eq!(write([255; 16]), "7ZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZ");
        let code = write(0x0123_4567_89ab_cdef_1032_u128.to_be_bytes());
        assert_eq!(code, "0000-0000-0004-HMAS-W9NF-6YY4-1J");
        assert_eq!(
            hash(&code),
            hash(&code.to_lowercase().replace('0', "o").replace('1', "l"))
        );
        assert_ne!(hash(&code), hash(&code.replace('J', "K")));
    }
}
