//! Values that go into a statement.

use base::Timestamp;
use uuid::Uuid;

/// One parameter, in a form that both databases take.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
    Id(Uuid),
    Time(Timestamp),
    /// JSON as text.
    Json(String),
}

pub trait ToParam {
    fn to_param(&self) -> Param;
}

macro_rules! to_param {
    ($($type:ty: |$value:ident| $param:expr;)*) => {$(
        impl ToParam for $type {
            fn to_param(&self) -> Param {
                let $value = self;
                $param
            }
        }
    )*};
}

to_param! {
    bool: |v| Param::Bool(*v);
    i64: |v| Param::Int(*v);
    i32: |v| Param::Int(i64::from(*v));
    u32: |v| Param::Int(i64::from(*v));
    f64: |v| Param::Real(*v);
    str: |v| Param::Text(v.to_owned());
    String: |v| Param::Text(v.clone());
    [u8]: |v| Param::Bytes(v.to_owned());
    Vec<u8>: |v| Param::Bytes(v.clone());
    Uuid: |v| Param::Id(*v);
    Timestamp: |v| Param::Time(*v);
    serde_json::Value: |v| Param::Json(v.to_string());
    Param: |v| v.clone();
    base::Email: |v| Param::Text(v.to_string());
    base::TimeZone: |v| Param::Text(v.to_string());
    base::Username: |v| Param::Text(v.to_string());
}

impl<const N: usize> ToParam for [u8; N] {
    fn to_param(&self) -> Param {
        Param::Bytes(self.to_vec())
    }
}

impl<const MIN: usize, const MAX: usize> ToParam for base::Text<MIN, MAX> {
    fn to_param(&self) -> Param {
        Param::Text(self.to_string())
    }
}

impl<const MIN: usize, const MAX: usize> ToParam for base::Line<MIN, MAX> {
    fn to_param(&self) -> Param {
        Param::Text(self.to_string())
    }
}

impl<const LIMIT: u32> ToParam for base::geo::Degrees<LIMIT> {
    fn to_param(&self) -> Param {
        Param::Real(self.0)
    }
}

impl<T: ToParam + ?Sized> ToParam for &T {
    fn to_param(&self) -> Param {
        (**self).to_param()
    }
}

impl<T: ToParam> ToParam for Option<T> {
    fn to_param(&self) -> Param {
        self.as_ref().map_or(Param::Null, ToParam::to_param)
    }
}

/// Lets typed ids and closed sets of words stand in statements and rows.
#[macro_export]
macro_rules! stored {
    (ids: $($id:ty),* $(,)?) => {$(
        impl $crate::ToParam for $id {
            fn to_param(&self) -> $crate::Param {
                $crate::Param::Id(self.0)
            }
        }
        impl $crate::Column for $id {
            fn read(row: &$crate::Row<'_>, index: usize) -> ::base::Result<Self> {
                Ok(Self(row.get(index)?))
            }
        }
    )*};
    (words: $($word:ty),* $(,)?) => {$(
        impl $crate::ToParam for $word {
            fn to_param(&self) -> $crate::Param {
                $crate::Param::Text(self.as_str().to_owned())
            }
        }
        impl $crate::Column for $word {
            fn read(row: &$crate::Row<'_>, index: usize) -> ::base::Result<Self> {
                let word: String = row.get(index)?;
                Self::parse(&word).ok_or_else(|| {
                    ::base::error::internal(format!("{word:?} is not a {}", stringify!($word)))
                })
            }
        }
    )*};
}
