-- All roles that the member holds from then on, when they changed; empty: none.
ALTER TABLE revocation ADD COLUMN roles TEXT;
