-- Where the hello of a session came from: a second one of the same name is refused while it lives (docs/decisions/0032).

ALTER TABLE sessions ADD COLUMN peer text NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN session_key text NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN run text NOT NULL DEFAULT '';
