-- The last generation of refresh tokens that was handed out a second time, late.
ALTER TABLE session ADD COLUMN reissued BIGINT;
