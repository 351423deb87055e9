-- Totals of the entries of wallets, of what policies did, and kinds of audit entries: lists that grow with every call or
-- change.

-- How far a user's entries are counted: up to the transfer "upto", of which n are theirs.
CREATE TABLE entry_counted (
    user_id {{id}} NOT NULL PRIMARY KEY,
    upto    {{int}} NOT NULL,
    n       {{int}} NOT NULL
) {{strict}};

-- A user's entries in chunks, each from behind the chunk before to the transfer "upto", by what the list can be filtered by.
-- The reason is that of charges for calls, of which there are few. first and last are the numbers between which they lie;
-- their moments are NULL when one of them has none.
CREATE TABLE entry_tally (
    user_id    {{id}} NOT NULL,
    upto       {{int}} NOT NULL,
    account_id {{id}} NOT NULL,
    credit     {{bool}} NOT NULL,
    kind       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    n          {{int}} NOT NULL,
    first      {{int}} NOT NULL,
    last       {{int}} NOT NULL,
    first_at   {{int}},
    last_at    {{int}},
    PRIMARY KEY (user_id, upto, account_id, credit, kind, reason)
) {{strict}};

-- When the first and the last of the tasks were made that are counted together. The days are counted anew.
DROP TABLE task_tally;
DELETE FROM task_day;
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
    n               {{int}} NOT NULL,
    first_at        {{int}} NOT NULL,
    last_at         {{int}} NOT NULL
) {{strict}};
CREATE INDEX task_tally_user ON task_tally
    (user_id, day, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model, n, first_at, last_at);
CREATE INDEX task_tally_day ON task_tally (day);

-- The kinds of audit entries that there are; a page is the newest of each kind that is asked for.
CREATE TABLE audit_kind (
    category    TEXT NOT NULL,
    action      TEXT NOT NULL,
    target_type TEXT NOT NULL,
    PRIMARY KEY (category, action, target_type)
) {{strict}};
INSERT INTO audit_kind (category, action, target_type) SELECT DISTINCT category, action, target_type FROM audit_entry;
DROP INDEX audit_entry_category;
DROP INDEX audit_entry_action;
DROP INDEX audit_entry_target;
CREATE INDEX audit_entry_kind ON audit_entry (category, action, target_type, number);
CREATE INDEX audit_entry_target ON audit_entry (target_id, number);

-- How many policy events a day has, by what the list can be filtered by; zero ids stand for none. It is written with the
-- events.
CREATE TABLE platform_policy_tally (
    day               {{int}} NOT NULL,
    kind              TEXT NOT NULL,
    platform_id       {{id}} NOT NULL,
    platform_model_id {{id}} NOT NULL,
    credential_id     {{id}} NOT NULL,
    n                 {{int}} NOT NULL,
    first_at          {{int}} NOT NULL,
    last_at           {{int}} NOT NULL,
    PRIMARY KEY (day, kind, platform_id, platform_model_id, credential_id)
) {{strict}};
INSERT INTO platform_policy_tally (day, kind, platform_id, platform_model_id, credential_id, n, first_at, last_at)
SELECT at / 86400000000, kind, platform_id, COALESCE(platform_model_id, '00000000-0000-0000-0000-000000000000'),
    COALESCE(credential_id, '00000000-0000-0000-0000-000000000000'), COUNT(*), MIN(at), MAX(at)
FROM platform_policy_event GROUP BY 1, 2, 3, 4, 5;
DROP INDEX platform_policy_event_platform;
DROP INDEX platform_policy_event_at;
CREATE INDEX platform_policy_event_list ON platform_policy_event
    (at, number, kind, platform_id, platform_model_id, credential_id);
