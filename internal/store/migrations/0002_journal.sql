
-- How far the file journal of this installation has been applied; written in the transaction that applies it.

CREATE TABLE journal_position (
    id      {{int}} NOT NULL PRIMARY KEY CHECK (id = 1),
    applied {{int}} NOT NULL CHECK (applied >= replay),
    replay  {{int}} NOT NULL CHECK (replay >= 0)
) {{strict}};
INSERT INTO journal_position (id, applied, replay) VALUES (1, 0, 0);
