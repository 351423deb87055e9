
-- Who may use Gantry.

CREATE TABLE tenant (
    {{entity}},
    key         TEXT NOT NULL,
    name        TEXT NOT NULL,
    status      TEXT NOT NULL,
    plan        TEXT NOT NULL,
    auth_policy {{json}},
    policies    {{json}},
    metadata    {{json}},
    created_at  {{int}},
    updated_at  {{int}}
) {{strict}};
CREATE UNIQUE INDEX tenant_key_unique ON tenant (key) WHERE status <> 'deleted';

CREATE TABLE user_group (
    {{entity}},
    tenant_id                {{id}} NOT NULL REFERENCES tenant (id),
    key                      TEXT NOT NULL,
    name                     TEXT NOT NULL,
    description              TEXT NOT NULL,
    status                   TEXT NOT NULL,
    priority                 {{int}} NOT NULL,
    billing_discount_policy  {{json}},
    recharge_discount_policy {{json}},
    rate_limit_policy        {{json}},
    quota_policy             {{json}},
    metadata                 {{json}},
    created_at               {{int}},
    updated_at               {{int}}
) {{strict}};
CREATE UNIQUE INDEX user_group_key_unique ON user_group (tenant_id, key) WHERE status <> 'deleted';

-- username_fold and email_fold are in lower case, folded by the program: SQLite's lower() knows ASCII only.
CREATE TABLE user_account (
    {{entity}},
    tenant_id       {{id}} NOT NULL REFERENCES tenant (id),
    group_id        {{id}} REFERENCES user_group (id),
    username        TEXT NOT NULL,
    username_fold   TEXT NOT NULL,
    email           TEXT NOT NULL,
    email_fold      TEXT,
    phone           TEXT NOT NULL,
    display_name    TEXT NOT NULL,
    avatar_url      TEXT NOT NULL,
    password_hash   TEXT NOT NULL,
    roles           {{json}} NOT NULL,
    is_admin        {{bool}} NOT NULL,
    status          TEXT NOT NULL,
    source          TEXT NOT NULL,
    external_id     TEXT NOT NULL,
    session_version {{int}} NOT NULL,
    preferences     {{json}},
    metadata        {{json}},
    last_login_at   {{int}},
    created_at      {{int}},
    updated_at      {{int}}
) {{strict}};
CREATE UNIQUE INDEX user_account_username_fold_unique ON user_account (username_fold) WHERE status <> 'deleted';
CREATE UNIQUE INDEX user_account_email_fold_unique ON user_account (email_fold) WHERE status <> 'deleted';
CREATE INDEX user_account_tenant ON user_account (tenant_id, number);
CREATE INDEX user_account_admin ON user_account (number) WHERE is_admin AND status <> 'deleted';

CREATE TABLE app (
    {{entity}},
    tenant_id  {{id}} NOT NULL REFERENCES tenant (id),
    user_id    {{id}} NOT NULL REFERENCES user_account (id),
    name       TEXT NOT NULL,
    is_default {{bool}} NOT NULL,
    status     TEXT NOT NULL,
    policies   {{json}},
    created_at {{int}},
    updated_at {{int}}
) {{strict}};
CREATE UNIQUE INDEX app_user_id_unique ON app (user_id) WHERE is_default AND status <> 'deleted';
CREATE INDEX app_user ON app (user_id);

CREATE TABLE api_key (
    {{entity}},
    tenant_id         {{id}} NOT NULL REFERENCES tenant (id),
    user_id           {{id}} NOT NULL REFERENCES user_account (id),
    app_id            {{id}} REFERENCES app (id),
    name              TEXT NOT NULL,
    public            TEXT NOT NULL,
    hash              {{blob}} NOT NULL,
    sealed            {{blob}},
    playground        {{bool}} NOT NULL,
    scopes            {{json}} NOT NULL,
    status            TEXT NOT NULL,
    models            {{json}} NOT NULL,
    allow_ips         {{json}} NOT NULL,
    deny_ips          {{json}} NOT NULL,
    rate_limit_policy {{json}},
    quota_policy      {{json}},
    expires_at        {{int}},
    last_used_at      {{int}},
    created_at        {{int}},
    updated_at        {{int}}
) {{strict}};
CREATE UNIQUE INDEX api_key_public_unique ON api_key (public);
CREATE INDEX api_key_user ON api_key (user_id, number);

CREATE TABLE session (
    id         {{id}} NOT NULL PRIMARY KEY,
    user_id    {{id}} NOT NULL REFERENCES user_account (id),
    hash       {{blob}} NOT NULL,
    kind       TEXT NOT NULL,
    ip         TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at {{int}},
    expires_at {{int}},
    revoked_at {{int}}
) {{strict}};
CREATE UNIQUE INDEX session_hash_unique ON session (hash);
CREATE INDEX session_list ON session (user_id);

CREATE TABLE setting (
    key        TEXT NOT NULL PRIMARY KEY,
    value      {{blob}} NOT NULL,
    updated_at {{int}}
) {{strict}};

-- What things cost.

CREATE TABLE pricing_rule_set (
    {{entity}},
    key         TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    category    TEXT NOT NULL,
    currency    TEXT NOT NULL,
    is_default  {{bool}} NOT NULL,
    status      TEXT NOT NULL,
    metadata    {{json}},
    created_at  {{int}},
    updated_at  {{int}}
) {{strict}};
CREATE UNIQUE INDEX pricing_rule_set_key_unique ON pricing_rule_set (key);

-- A version is never changed: old requests keep the one that priced them, and a later one may wait for its time.
CREATE TABLE pricing_rule_set_version (
    rule_set_id  {{id}} NOT NULL REFERENCES pricing_rule_set (id),
    version      {{int}} NOT NULL CHECK (version > 0),
    effective_at {{int}},
    created_at   {{int}},
    PRIMARY KEY (rule_set_id, version)
) {{strict}};
CREATE UNIQUE INDEX pricing_rule_set_currency_unique ON pricing_rule_set (currency) WHERE is_default;

CREATE TABLE pricing_rule (
    {{entity}},
    rule_set_id      {{id}} NOT NULL,
    version          {{int}} NOT NULL,
    key              TEXT NOT NULL,
    display_name     TEXT NOT NULL,
    scope_type       TEXT NOT NULL,
    scope_id         TEXT NOT NULL,
    resource         TEXT NOT NULL,
    unit             TEXT NOT NULL,
    price            {{int}} NOT NULL CHECK (price >= 0),
    currency         TEXT NOT NULL,
    calculator       TEXT NOT NULL,
    priority         {{int}} NOT NULL,
    base_weight      {{json}},
    dynamic_weight   {{json}},
    dimension_schema {{json}},
    config           {{json}},
    status           TEXT NOT NULL,
    metadata         {{json}},
    created_at       {{int}},
    updated_at       {{int}},
    FOREIGN KEY (rule_set_id, version) REFERENCES pricing_rule_set_version (rule_set_id, version)
) {{strict}};
CREATE INDEX pricing_rule_list ON pricing_rule (rule_set_id, version, number);

-- What may be called, and where.

CREATE TABLE runtime_policy_set (
    {{entity}},
    key                 TEXT NOT NULL,
    name                TEXT NOT NULL,
    description         TEXT NOT NULL,
    is_default          {{bool}} NOT NULL,
    status              TEXT NOT NULL,
    rate_limit_policy   {{json}},
    retry_policy        {{json}},
    degrade_policy      {{json}},
    auto_disable_policy {{json}},
    metadata            {{json}},
    created_at          {{int}},
    updated_at          {{int}}
) {{strict}};
CREATE UNIQUE INDEX runtime_policy_set_key_unique ON runtime_policy_set (key);
CREATE UNIQUE INDEX runtime_policy_set_is_default_unique ON runtime_policy_set (is_default) WHERE is_default;

CREATE TABLE runner_policy (
    id                     {{id}} NOT NULL PRIMARY KEY,
    key                    TEXT NOT NULL,
    name                   TEXT NOT NULL,
    description            TEXT NOT NULL,
    status                 TEXT NOT NULL,
    failover_policy        {{json}},
    hard_stop_policy       {{json}},
    priority_demote_policy {{json}},
    metadata               {{json}},
    created_at             {{int}},
    updated_at             {{int}}
) {{strict}};
CREATE UNIQUE INDEX runner_policy_key_unique ON runner_policy (key);

CREATE TABLE provider (
    {{entity}},
    key                       TEXT NOT NULL,
    code                      TEXT NOT NULL,
    display_name              TEXT NOT NULL,
    type                      TEXT NOT NULL,
    icon_path                 TEXT NOT NULL,
    default_base_url          TEXT NOT NULL,
    default_auth_type         TEXT NOT NULL,
    capability_schema         {{json}},
    default_rate_limit_policy {{json}},
    source                    TEXT NOT NULL,
    status                    TEXT NOT NULL,
    metadata                  {{json}},
    created_at                {{int}},
    updated_at                {{int}}
) {{strict}};
CREATE UNIQUE INDEX provider_key_unique ON provider (key);

CREATE TABLE base_model (
    {{entity}},
    provider_key              TEXT NOT NULL REFERENCES provider (key),
    canonical_key             TEXT NOT NULL,
    provider_model_name       TEXT NOT NULL,
    alias                     TEXT NOT NULL,
    display_name              TEXT NOT NULL,
    types                     {{json}} NOT NULL,
    catalog_type              TEXT NOT NULL,
    capabilities              {{json}},
    base_billing_config       {{json}},
    pricing_rule_set_id       {{id}} REFERENCES pricing_rule_set (id),
    pricing_version           {{int}} NOT NULL,
    default_rate_limit_policy {{json}},
    runtime_policy_set_id     {{id}} REFERENCES runtime_policy_set (id),
    runtime_policy_override   {{json}},
    default_snapshot          {{json}},
    customized_at             {{int}},
    status                    TEXT NOT NULL,
    metadata                  {{json}},
    created_at                {{int}},
    updated_at                {{int}}
) {{strict}};
CREATE UNIQUE INDEX base_model_canonical_key_unique ON base_model (canonical_key);

CREATE TABLE platform (
    {{entity}},
    tenant_id             {{id}} NOT NULL REFERENCES tenant (id),
    owner_user_id         {{id}} REFERENCES user_account (id),
    provider              TEXT NOT NULL,
    key                   TEXT NOT NULL,
    name                  TEXT NOT NULL,
    internal_name         TEXT NOT NULL,
    base_url              TEXT NOT NULL,
    auth_type             TEXT NOT NULL,
    config                {{json}},
    priority              {{int}} NOT NULL,
    dynamic_priority      {{int}},
    discount              {{int}} NOT NULL CHECK (discount >= 0),
    pricing_mode          TEXT NOT NULL,
    pricing_rule_set_id   {{id}} REFERENCES pricing_rule_set (id),
    runtime_policy_set_id {{id}} REFERENCES runtime_policy_set (id),
    rate_limit_policy     {{json}},
    retry_policy          {{json}},
    runtime_policy        {{json}},
    status                TEXT NOT NULL,
    cooldown_until        {{int}},
    metadata              {{json}},
    created_at            {{int}},
    updated_at            {{int}}
) {{strict}};
CREATE UNIQUE INDEX platform_key_unique ON platform (key) WHERE status <> 'deleted';

CREATE TABLE platform_credential (
    {{entity}},
    platform_id     {{id}} NOT NULL REFERENCES platform (id),
    name            TEXT NOT NULL,
    sealed          {{blob}},
    preview         {{json}},
    weight          {{int}} NOT NULL,
    status          TEXT NOT NULL,
    disabled_reason TEXT NOT NULL,
    disabled_at     {{int}},
    created_at      {{int}},
    updated_at      {{int}}
) {{strict}};
CREATE INDEX platform_credential_platform ON platform_credential (platform_id, number);

CREATE TABLE platform_model (
    {{entity}},
    platform_id             {{id}} NOT NULL REFERENCES platform (id),
    base_model_id           {{id}} REFERENCES base_model (id),
    name                    TEXT NOT NULL,
    alias                   TEXT NOT NULL,
    provider_model_name     TEXT NOT NULL,
    display_name            TEXT NOT NULL,
    types                   {{json}} NOT NULL,
    capabilities            {{json}},
    capability_override     {{json}},
    billing_config          {{json}},
    billing_config_override {{json}},
    discount                {{int}} NOT NULL CHECK (discount >= 0),
    pricing_mode            TEXT NOT NULL,
    pricing_rule_set_id     {{id}} REFERENCES pricing_rule_set (id),
    permission_config       {{json}},
    rate_limit_policy       {{json}},
    retry_policy            {{json}},
    runtime_policy_set_id   {{id}} REFERENCES runtime_policy_set (id),
    runtime_policy_override {{json}},
    weight                  {{int}} NOT NULL,
    enabled                 {{bool}} NOT NULL,
    cooldown_until          {{int}},
    metadata                {{json}},
    created_at              {{int}},
    updated_at              {{int}}
) {{strict}};
CREATE INDEX platform_model_platform ON platform_model (platform_id, number);

-- Subject and resource are rows of several tables, told apart by the types, so they have no foreign key.
CREATE TABLE access_rule (
    {{entity}},
    tenant_id            {{id}} NOT NULL REFERENCES tenant (id),
    subject_type         TEXT NOT NULL,
    subject_id           {{id}} NOT NULL,
    resource_type        TEXT NOT NULL,
    resource_id          {{id}} NOT NULL,
    effect               TEXT NOT NULL CHECK (effect IN ('allow', 'deny')),
    priority             {{int}} NOT NULL,
    min_permission_level {{int}} NOT NULL,
    conditions           {{json}},
    status               TEXT NOT NULL,
    metadata             {{json}},
    created_at           {{int}},
    updated_at           {{int}}
) {{strict}};
CREATE INDEX access_rule_subject ON access_rule (subject_type, subject_id);
CREATE INDEX access_rule_resource ON access_rule (resource_type, resource_id);

-- One row: the number that every change of configuration raises.
CREATE TABLE config_version (
    id      {{int}} NOT NULL PRIMARY KEY CHECK (id = 1),
    version {{int}} NOT NULL
) {{strict}};
INSERT INTO config_version (id, version) VALUES (1, 1);

-- The books. Source: MONEY section 2.

CREATE TABLE account (
    {{entity}},
    code       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    currency   TEXT NOT NULL,
    tenant_id  {{id}} REFERENCES tenant (id),
    user_id    {{id}} REFERENCES user_account (id),
    posted     {{int}} NOT NULL DEFAULT 0,
    held       {{int}} NOT NULL DEFAULT 0 CHECK (held >= 0),
    overdraft  {{int}} NOT NULL DEFAULT 0 CHECK (overdraft >= 0),
    credited   {{int}} NOT NULL DEFAULT 0,
    spent      {{int}} NOT NULL DEFAULT 0,
    status     TEXT NOT NULL,
    metadata   {{json}},
    created_at {{int}},
    updated_at {{int}},
    CONSTRAINT account_code_unique UNIQUE (code, currency),
    -- What transfer refers to, so that a transfer and both its accounts are in one currency.
    CONSTRAINT account_id_unique UNIQUE (id, currency),
    CONSTRAINT account_covered CHECK (kind <> 'wallet' OR posted + overdraft - held >= 0)
) {{strict}};
CREATE UNIQUE INDEX account_currency_unique ON account (user_id, currency) WHERE kind = 'wallet';

-- number is given by the program, without gaps, under the lock of the chain.
CREATE TABLE transfer (
    number            {{int}} NOT NULL PRIMARY KEY,
    id                {{id}} NOT NULL,
    at                {{int}},
    kind              TEXT NOT NULL,
    currency          TEXT NOT NULL,
    amount            {{int}} NOT NULL CHECK (amount > 0),
    debit_account_id  {{id}} NOT NULL,
    credit_account_id {{id}} NOT NULL,
    debit_after       {{int}} NOT NULL,
    credit_after      {{int}} NOT NULL,
    ref_type          TEXT NOT NULL,
    ref_id            TEXT NOT NULL,
    hold_amount       {{int}} NOT NULL,
    reason            TEXT NOT NULL,
    metadata          {{json}},
    CONSTRAINT transfer_sides CHECK (debit_account_id <> credit_account_id),
    CONSTRAINT transfer_debit FOREIGN KEY (debit_account_id, currency) REFERENCES account (id, currency),
    CONSTRAINT transfer_credit FOREIGN KEY (credit_account_id, currency) REFERENCES account (id, currency)
) {{strict}};
CREATE UNIQUE INDEX transfer_id_unique ON transfer (id);
CREATE UNIQUE INDEX transfer_ref_id_unique ON transfer (ref_type, ref_id, kind);
CREATE INDEX transfer_debit_list ON transfer (debit_account_id, number, at, kind);
CREATE INDEX transfer_credit_list ON transfer (credit_account_id, number, at, kind);

-- The hash chain; see chain.go. The unique prev_hash keeps it from forking.
CREATE TABLE ledger_batch (
    number         {{int}} NOT NULL PRIMARY KEY,
    at             {{int}},
    first_transfer {{int}} NOT NULL,
    last_transfer  {{int}} NOT NULL,
    count          {{int}} NOT NULL CHECK (count > 0),
    prev_hash      {{blob}} NOT NULL,
    hash           {{blob}} NOT NULL,
    CONSTRAINT ledger_batch_range CHECK (last_transfer - first_transfer + 1 = count)
) {{strict}};
CREATE UNIQUE INDEX ledger_batch_first_transfer_unique ON ledger_batch (first_transfer);
CREATE UNIQUE INDEX ledger_batch_prev_hash_unique ON ledger_batch (prev_hash);

-- The record of calls. It names what served a call without foreign keys: a call that happened must be recorded, whatever
-- has become of what it names.
CREATE TABLE task (
    {{entity}},
    request_id        TEXT NOT NULL,
    tenant_id         {{id}},
    user_id           {{id}},
    group_id          {{id}},
    api_key_id        {{id}},
    api_key_name      TEXT NOT NULL,
    api_key_prefix    TEXT NOT NULL,
    kind              TEXT NOT NULL,
    model_type        TEXT NOT NULL,
    run_mode          TEXT NOT NULL,
    is_async          {{bool}} NOT NULL,
    is_stream         {{bool}} NOT NULL,
    status            TEXT NOT NULL,
    requested_model   TEXT NOT NULL,
    resolved_model    TEXT NOT NULL,
    platform_id       {{id}},
    platform_model_id {{id}},
    provider          TEXT NOT NULL,
    is_simulated      {{bool}} NOT NULL,
    error_code        TEXT NOT NULL,
    error_message     TEXT NOT NULL,
    http_status       {{int}} NOT NULL,
    usage             {{json}},
    usage_estimated   {{bool}} NOT NULL,
    input_tokens      {{int}} NOT NULL,
    output_tokens     {{int}} NOT NULL,
    currency          TEXT NOT NULL,
    held              {{int}} NOT NULL,
    charged           {{int}} NOT NULL,
    bill_reason       TEXT NOT NULL,
    attempts          {{json}},
    attempt_count     {{int}} NOT NULL,
    lines             {{json}},
    route             {{json}},
    preprocessing     {{json}},
    request           {{json}},
    result            {{json}},
    remote_task_id    TEXT NOT NULL,
    remote_payload    {{json}},
    job_id            {{int}} NOT NULL,
    ttft_ns           {{int}} NOT NULL,
    started_at        {{int}},
    finished_at       {{int}},
    created_at        {{int}} NOT NULL,
    updated_at        {{int}}
) {{strict}};
-- Every filter of the list is answered from these two alone; the wide rows are read for the page that is shown.
CREATE INDEX task_user_list ON task
    (user_id, created_at, number, status, kind, model_type, api_key_id, requested_model, resolved_model, request_id);
CREATE INDEX task_list ON task
    (created_at, number, status, kind, model_type, api_key_id, requested_model, resolved_model, request_id);

CREATE TABLE task_event (
    id       {{id}} NOT NULL PRIMARY KEY,
    task_id  {{id}} NOT NULL REFERENCES task (id),
    sequence {{int}} NOT NULL CHECK (sequence > 0),
    type     TEXT NOT NULL,
    status   TEXT NOT NULL,
    progress {{int}} NOT NULL,
    payload  {{json}},
    at       {{int}}
) {{strict}};
CREATE UNIQUE INDEX task_event_sequence_unique ON task_event (task_id, sequence);

CREATE TABLE audit_entry (
    {{entity}},
    at               {{int}},
    category         TEXT NOT NULL,
    action           TEXT NOT NULL,
    actor_user_id    {{id}},
    actor_username   TEXT NOT NULL,
    actor_tenant_id  {{id}},
    actor_roles      {{json}} NOT NULL,
    actor_source     TEXT NOT NULL,
    ip               TEXT NOT NULL,
    user_agent       TEXT NOT NULL,
    request_id       TEXT NOT NULL,
    target_type      TEXT NOT NULL,
    target_id        TEXT NOT NULL,
    target_tenant_id {{id}},
    target_user_id   {{id}},
    reason           TEXT NOT NULL,
    before           {{json}},
    after            {{json}},
    metadata         {{json}}
) {{strict}};
CREATE INDEX audit_entry_category ON audit_entry (category, number);
CREATE INDEX audit_entry_action ON audit_entry (action, number);
CREATE INDEX audit_entry_target ON audit_entry (target_type, target_id, number);

-- What is written in these tables stays as it is.
{{range $table := appendOnly}}
{{if sqlite}}
CREATE TRIGGER {{$table}}_no_update BEFORE UPDATE ON {{$table}}
BEGIN SELECT RAISE(ABORT, '{{$table}} is append-only'); END;
CREATE TRIGGER {{$table}}_no_delete BEFORE DELETE ON {{$table}}
BEGIN SELECT RAISE(ABORT, '{{$table}} is append-only'); END;
{{else}}
CREATE FUNCTION {{$table}}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{{$table}} is append-only'; END
$$;
CREATE TRIGGER {{$table}}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {{$table}}
    FOR EACH STATEMENT EXECUTE FUNCTION {{$table}}_refuse();
{{end}}
{{end}}
