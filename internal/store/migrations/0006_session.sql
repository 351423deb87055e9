-- Sessions that ended long ago are forgotten; finding them must not read the others.
CREATE INDEX session_expires ON session (expires_at);
