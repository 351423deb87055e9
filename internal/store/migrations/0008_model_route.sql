-- The address of a platform's proxy where it holds a user and password.
ALTER TABLE platform ADD COLUMN proxy_sealed {{blob}};

-- Where requests for a model go instead: rules that forward them, and what is tried when every upstream failed.
CREATE TABLE model_route (
    {{entity}},
    tenant_id  {{id}} NOT NULL REFERENCES tenant (id),
    alias      TEXT NOT NULL,
    forward    {{json}} NOT NULL,
    fallback   {{json}} NOT NULL,
    created_at {{int}} NOT NULL,
    updated_at {{int}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX model_route_alias_unique ON model_route (tenant_id, alias);
