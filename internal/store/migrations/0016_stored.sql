-- Answers, and things that are made apart from a call, which their callers may ask for again and continue. Each is of the task with its id; rows name what may be gone, so
-- they have no foreign keys. answer is NULL until there is one.
CREATE TABLE kept_response (
    id            {{id}} NOT NULL PRIMARY KEY,
    tenant_id     {{id}} NOT NULL,
    user_id       {{id}} NOT NULL,
    kind          TEXT NOT NULL,
    previous_id   {{id}},
    platform_id   {{id}},
    credential_id {{id}},
    background    {{bool}} NOT NULL,
    model         TEXT NOT NULL,
    input         {{blob}} NOT NULL,
    answer        {{blob}},
    created_at    {{int}} NOT NULL,
    expires_at    {{int}} NOT NULL
) {{strict}};
CREATE INDEX kept_response_user ON kept_response (user_id, kind, id);
CREATE INDEX kept_response_expires ON kept_response (expires_at);

-- Files that callers brought, or that were made for them; their bytes are the blob's.
CREATE TABLE file (
    id         {{id}} NOT NULL PRIMARY KEY,
    tenant_id  {{id}} NOT NULL,
    user_id    {{id}} NOT NULL,
    blob_id    {{id}} NOT NULL,
    name       TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    size       {{int}} NOT NULL,
    created_at {{int}} NOT NULL,
    expires_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX file_user ON file (user_id, id);
CREATE INDEX file_expires ON file (expires_at);

-- Batches, and the lines of their input. A line is run by the task that its key in replay stands for.
CREATE TABLE batch (
    id              {{id}} NOT NULL PRIMARY KEY,
    tenant_id       {{id}} NOT NULL,
    user_id         {{id}} NOT NULL,
    api_key_id      {{id}},
    endpoint        TEXT NOT NULL,
    status          TEXT NOT NULL,
    input_file_id   {{id}} NOT NULL,
    output_file_id  {{id}},
    error_file_id   {{id}},
    address         TEXT NOT NULL,
    window_seconds  {{int}} NOT NULL,
    output_seconds  {{int}} NOT NULL,
    metadata        {{json}},
    errors          {{json}},
    total           {{int}} NOT NULL,
    completed       {{int}} NOT NULL,
    failed          {{int}} NOT NULL,
    input_tokens    {{int}} NOT NULL,
    output_tokens   {{int}} NOT NULL,
    created_at      {{int}} NOT NULL,
    in_progress_at  {{int}},
    finalizing_at   {{int}},
    ended_at        {{int}},
    canceling_at    {{int}},
    expires_at      {{int}} NOT NULL
) {{strict}};
CREATE INDEX batch_user ON batch (user_id, id);
CREATE TABLE batch_line (
    batch_id    {{id}} NOT NULL REFERENCES batch (id),
    line        {{int}} NOT NULL,
    custom_id   TEXT NOT NULL,
    start       {{int}} NOT NULL,
    size        {{int}} NOT NULL,
    task_id     {{id}},
    state       TEXT NOT NULL,
    answer      {{blob}},
    PRIMARY KEY (batch_id, line)
) {{strict}};
CREATE INDEX batch_line_state ON batch_line (batch_id, state, line);
