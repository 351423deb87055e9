-- How many tasks a user has, by all that the list of tasks can be filtered by, for days that are over: a list needs its
-- total, and counting a user's rows one by one takes longer with every call. A day is numbered from 1970 in UTC.

-- Days whose tasks are all in task_tally. One that gets another task after all leaves both tables.
CREATE TABLE task_day (
    day       {{int}} NOT NULL PRIMARY KEY,
    sealed_at {{int}} NOT NULL
) {{strict}};

CREATE TABLE task_tally (
    day             {{int}} NOT NULL,
    user_id         {{id}} NOT NULL,
    status          TEXT NOT NULL,
    kind            TEXT NOT NULL,
    model_type      TEXT NOT NULL,
    api_key_id      {{id}},
    is_simulated    {{bool}} NOT NULL,
    requested_model TEXT NOT NULL,
    resolved_model  TEXT NOT NULL,
    n               {{int}} NOT NULL
) {{strict}};
CREATE INDEX task_tally_user ON task_tally
    (user_id, day, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model, n);
CREATE INDEX task_tally_day ON task_tally (day);

-- Whether a call was simulated is a filter too, and whole request ids are looked for.
DROP INDEX task_user_list;
DROP INDEX task_list;
CREATE INDEX task_user_list ON task
    (user_id, created_at, number, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model, request_id);
CREATE INDEX task_list ON task
    (created_at, number, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model, request_id);
CREATE INDEX task_request ON task (request_id);

-- What is no charge for a call is rare, and asked for by its kind.
CREATE INDEX transfer_debit_other ON transfer (debit_account_id, number, at, kind) WHERE kind <> 'capture';
CREATE INDEX transfer_credit_other ON transfer (credit_account_id, number, at, kind) WHERE kind <> 'capture';

-- How many transfers an account has, by its side: totals of lists that are not narrowed further.
ALTER TABLE account ADD COLUMN debits {{int}} NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN credits {{int}} NOT NULL DEFAULT 0;
UPDATE account SET
    debits = (SELECT COUNT(*) FROM transfer WHERE debit_account_id = account.id),
    credits = (SELECT COUNT(*) FROM transfer WHERE credit_account_id = account.id);
