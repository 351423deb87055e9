package app

// system asks what needs nobody to be known.
func (w *witness) system() {
	w.ask("getHealthz", 200, question{name: "it runs"})
	w.ask("getReadyz", 200, question{name: "it can serve"})
	w.ask("getSimulationAsset", 200, question{name: "a picture", of: "image.svg"})
	w.ask("getSimulationAsset", 200, question{name: "a film", of: "video.mp4"})
	w.ask("getSimulationAsset", 404, question{name: "no such file", of: "none.png"})
	w.ask("getAdminNetworkProxyConfig", 200, question{name: "the proxy", as: "admin"})
}

// accounts asks what people do to come in. Some of it depends on a tenant that takes people by invitation.
func (w *witness) accounts() {
	w.made("acme", "createAdminTenant", question{name: "a tenant by invitation", as: "admin", body: acme})
	w.ask("register", 201, question{name: "an account", body: `{"username":"ada","email":"ada@example.org","password":"correct horse","displayName":"Ada"}`})
	w.refused("register", 409, "username_taken", "username", question{name: "the name is taken", body: `{"username":"ADA","password":"correct horse"}`})
	w.refused("register", 400, "invalid_parameter", "password", question{name: "a short password", body: `{"username":"eve","password":"short"}`})
	w.refused("register", 403, "invitation_invalid", "invitationCode", question{
		name: "no such invitation", body: `{"username":"eve","password":"correct horse","invitationCode":"welcome to nobody"}`,
	})
	w.ask("register", 201, question{name: "invited", body: `{"username":"eva","password":"correct horse","invitationCode":"welcome to acme"}`})
	w.ask("login", 200, question{name: "by e-mail", body: `{"account":"ADA@example.org","password":"correct horse"}`})
	w.refused("login", 400, "invalid_json", "account", question{name: "no text", body: `{"account":{"$ne":null},"password":"x"}`})
	w.refused("login", 401, "unauthorized", "", question{name: "a wrong password", body: `{"account":"ada","password":"x"}`})
	w.refused("login", 403, "password_login_disabled", "", question{name: "not by password", body: `{"account":"eva","password":"correct horse"}`})
	w.ask("getCurrentUser", 200, question{name: "a user", as: "user"})
	w.ask("getCurrentUser", 200, question{name: "a key", as: "key"})
}

const acme = `{"tenantKey":"acme","name":"Acme","authPolicy":{"passwordLogin":false,"invitationCode":"welcome to acme"}}`

// again is a question that was asked before.
func again(name string, q question) question { q.name = name; return q }

// keys asks what users do with their keys, and with the rules that narrow them.
func (w *witness) keys() {
	w.made("key", "createApiKey", question{name: "a key", as: "user", body: `{"name":"mine","scopes":["chat","models"],"expiresAt":"2037-01-01"}`})
	w.refused("createApiKey", 400, "invalid_parameter", "scopes[0]", question{name: "an unknown scope", as: "user", body: `{"name":"n","scopes":["root"]}`})
	w.ask("listApiKeys", 200, question{name: "keys", as: "user"})
	w.ask("listPlaygroundApiKeys", 200, question{name: "keys with their secrets", as: "user"})
	w.values["sim"] = w.model("sim-chat")
	deny := question{
		name: "a denied model", as: "user",
		body: `{"subjectType":"api_key","subjectId":"{key}","effect":"deny","upsertResources":[{"resourceType":"platform_model","resourceId":"{sim}"}]}`,
	}
	w.ask("batchApiKeyAccessRules", 200, deny)
	w.refused("batchApiKeyAccessRules", 400, "invalid_parameter", "subjectType", question{name: "about oneself", as: "user", body: `{"subjectType":"user","subjectId":"{user}"}`})
	w.refused("batchApiKeyAccessRules", 403, "forbidden", "", question{name: "by a key", as: "key", body: deny.body})
	w.refused("batchApiKeyAccessRules", 404, "not_found", "subjectId", question{name: "somebody else's key", as: "admin", body: deny.body})
	w.ask("listApiKeyAccessRules", 200, question{name: "rules", as: "user"})
	for _, list := range []string{"listApiKeyAccessRules", "listPlaygroundApiKeys"} {
		w.ask(list, 200, question{name: "with a query that means nothing", as: "user", query: "?page=-1&limit=x"})
	}
	w.ask("disableApiKey", 200, question{name: "disabled", as: "user", of: "{key}"})
	w.refused("disableApiKey", 400, "invalid_parameter", "apiKeyID", question{name: "no id", as: "user", of: "7"})
	w.refused("disableApiKey", 404, "not_found", "", question{name: "somebody else's key", as: "admin", of: "{key}"})
	w.refused("deleteApiKey", 400, "invalid_parameter", "apiKeyID", question{name: "no id", as: "user", of: "7"})
	w.ask("deleteApiKey", 204, question{name: "deleted", as: "user", of: "{key}"})
	w.refused("deleteApiKey", 404, "not_found", "", question{name: "deleted twice", as: "user", of: "{key}"})
}

// administrators asks what administrators do with tenants, groups, users and their wallets.
func (w *witness) administrators() {
	w.made("tenant", "createAdminTenant", question{name: "a tenant", as: "admin", body: `{"tenantKey":"bare","name":"Bare","rateLimitPolicy":{"rpm":60},"metadata":{"crm":7}}`})
	w.refused("createAdminTenant", 400, "invalid_parameter", "name", question{name: "no name", as: "admin", body: `{"tenantKey":"k"}`})
	w.refused("createAdminTenant", 409, "tenant_key_taken", "tenantKey", question{name: "the key is taken", as: "admin", body: `{"tenantKey":"acme","name":"n"}`})
	w.ask("listAdminTenants", 200, question{name: "tenants", as: "admin"})
	w.changed("updateAdminTenant", "{tenant}", `{"name":"Bare Inc"}`, `{"status":"gone"}`, "status", `{"tenantKey":"acme"}`, "tenant_key_taken")
	w.ask("deleteAdminTenant", 204, question{name: "deleted", as: "admin", of: "{tenant}"})

	w.made("group", "createAdminUserGroup", question{name: "a group", as: "admin", body: `{"groupKey":"gold","name":"Gold","billingDiscountPolicy":{"default":0.5},"rateLimitPolicy":{"rpm":10}}`})
	w.refused("createAdminUserGroup", 400, "discount_invalid", "billingDiscountPolicy.factor", question{name: "an unknown discount", as: "admin", body: `{"groupKey":"k","name":"n","billingDiscountPolicy":{"factor":1}}`})
	w.refused("createAdminUserGroup", 409, "group_key_taken", "groupKey", question{name: "the key is taken", as: "admin", body: `{"groupKey":"gold","name":"n"}`})
	w.ask("listAdminUserGroups", 200, question{name: "groups", as: "admin"})
	w.changed("updateAdminUserGroup", "{group}", `{"priority":3}`, `{"rateLimitPolicy":{"rpm":0}}`, "rateLimitPolicy.rpm", `{"groupKey":"default"}`, "group_key_taken")
	w.ask("deleteAdminUserGroup", 204, question{name: "deleted", as: "admin", of: "{group}"})

	w.made("bob", "createAdminUser", question{name: "a user", as: "admin", body: `{"username":"bob","email":"bob@example.org","password":"correct horse","roles":["finance"]}`})
	w.refused("createAdminUser", 400, "invalid_parameter", "roles", question{name: "an unknown role", as: "admin", body: `{"username":"x-1","roles":["god"]}`})
	w.refused("createAdminUser", 409, "email_taken", "email", question{name: "the e-mail is taken", as: "admin", body: `{"username":"x-1","email":"BOB@example.org"}`})
	w.ask("listAdminUsers", 200, question{name: "users", as: "admin"})
	w.changed("updateAdminUser", "{bob}", `{"displayName":"Bobby"}`, `{"email":"x"}`, "email", `{"username":"ADA"}`, "username_taken")
	w.ask("deleteAdminUser", 204, question{name: "deleted", as: "admin", of: "{bob}"})

	w.ask("setAdminUserWalletBalance", 200, question{name: "a balance", as: "admin", of: "{user}", body: `{"balance":20,"currency":"USD","reason":"gift"}`})
	w.refused("setAdminUserWalletBalance", 400, "amount_invalid", "balance", question{name: "below zero", as: "admin", of: "{user}", body: `{"balance":-1}`})
	w.ask("listAdminAuditLogs", 200, question{name: "what was done to the group", as: "admin", query: "?targetType=user_group&limit=5"})
	w.refused("listAdminAuditLogs", 400, "invalid_page", "limit", question{name: "fewer than none", as: "admin", query: "?limit=-1"})
}

// changed asks for a change of an object, for one that cannot be, and for one that another object is in the way of.
func (w *witness) changed(operation, of, good, bad, at, taken, code string) {
	w.t.Helper()
	w.ask(operation, 200, question{name: "changed", as: "admin", of: of, body: good})
	w.ask(operation, 400, question{name: "what cannot be", as: "admin", of: of, body: bad, at: at})
	w.ask(operation, 409, question{name: "what is taken", as: "admin", of: of, body: taken, code: code})
}
