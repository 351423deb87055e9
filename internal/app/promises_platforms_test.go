package app

import "strings"

const promisedBase = `{"providerKey":"anvil","providerModelName":"chat-10","modelType":["chat"],"capabilities":{"contextWindow":200000},` +
	`"baseBillingConfig":{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":3}]},` +
	`"defaultSnapshot":{"displayName":"Chat 10","capabilities":{"contextWindow":100000}}}`

// catalogues asks what operators do with providers and base models, and what everybody sees of them.
func (w *witness) catalogues() {
	anvil := question{name: "a provider", as: "admin", body: `{"providerKey":"anvil","displayName":"Anvil","providerType":"openai","defaultBaseUrl":"https://api.anvil.example/v1"}`}
	w.made("provider", "createAdminCatalogProvider", anvil)
	w.refused("createAdminCatalogProvider", 400, "invalid_parameter", "displayName", question{name: "no name", as: "admin", body: `{"providerKey":"x"}`})
	w.refused("createAdminCatalogProvider", 409, "provider_key_taken", "providerKey", again("twice", anvil))
	w.ask("listAdminCatalogProviders", 200, question{name: "providers"})
	w.ask("listPublicCatalogProviders", 200, question{name: "providers"})
	w.changed("updateAdminCatalogProvider", "{provider}", `{"displayName":"Anvil AI"}`, `{"status":"gone"}`, "status", `{"providerKey":"openai"}`, "provider_key_taken")

	ten := question{name: "a model", as: "admin", body: promisedBase}
	w.made("base", "createAdminBaseModel", ten)
	w.made("plain", "createAdminBaseModel", question{name: "one without a snapshot", as: "admin", body: `{"providerKey":"anvil","providerModelName":"chat-11","modelType":["chat"]}`})
	w.refused("createAdminBaseModel", 400, "provider_unknown", "providerKey", question{name: "of nobody", as: "admin", body: `{"providerKey":"nobody","providerModelName":"m","modelType":["chat"]}`})
	w.refused("createAdminBaseModel", 409, "base_model_key_taken", "canonicalModelKey", again("twice", ten))
	w.ask("listAdminBaseModels", 200, question{name: "models"})
	w.ask("listPublicBaseModels", 200, question{name: "models"})
	w.changed("updateAdminBaseModel", "{base}", `{"displayName":"Mine"}`, `{"modelType":[]}`, "modelType", `{"canonicalModelKey":"anvil/chat-11"}`, "base_model_key_taken")
	w.ask("resetAdminBaseModel", 200, question{name: "as it was", as: "admin", of: "{base}"})
	w.refused("resetAdminBaseModel", 409, "no_default_snapshot", "", question{name: "nothing to go back to", as: "admin", of: "{plain}"})
	w.ask("resetAllAdminBaseModels", 200, question{name: "all as they were", as: "admin"})
	w.ask("deleteAdminBaseModel", 204, question{name: "deleted", as: "admin", of: "{base}"})
	w.ask("deleteAdminBaseModel", 204, question{name: "the other one deleted", as: "admin", of: "{plain}"})
	w.ask("deleteAdminCatalogProvider", 204, question{name: "deleted", as: "admin", of: "{provider}"})
}

const (
	promisedPlatform = `{"provider":"openai","platformKey":"mine","name":"Mine","baseUrl":"{upstream}","credentials":{"apiKey":"sk-upstream-000111222"},"priority":10}`
	promisedModel    = `{"providerModelName":"house-1","modelAlias":"house","modelType":["chat"],` +
		`"billingConfig":{"currency":"USD","rules":[{"resourceType":"request","unit":"request","basePrice":0.01}]}}`
)

// platforms asks what operators do with upstream accounts, and what callers see of them.
func (w *witness) platforms() {
	mine := question{name: "a platform", as: "admin", body: promisedPlatform}
	w.made("platform", "createAdminPlatform", mine)
	w.refused("createAdminPlatform", 400, "invalid_parameter", "credentials.key", question{name: "an unknown credential", as: "admin", body: `{"provider":"openai","name":"x","credentials":{"apiKey":"k","key":"k"}}`})
	w.ask("listAdminPlatforms", 200, question{name: "platforms", as: "admin"})
	of := func(q question) question { q.as, q.of = "admin", "{platform}"; return q }
	w.ask("updateAdminPlatform", 200, of(question{name: "replaced", body: strings.Replace(promisedPlatform, "Mine", "Ours", 1)}))
	w.refused("updateAdminPlatform", 400, "provider_unknown", "provider", of(question{name: "of nobody", body: `{"provider":"nobody","name":"x"}`}))
	w.refused("updateAdminPlatform", 409, "platform_key_taken", "platformKey", of(question{name: "the key is taken", body: `{"provider":"openai","name":"x","platformKey":"fake"}`}))
	w.ask("updateAdminPlatformDynamicPriority", 200, of(question{name: "sooner", body: `{"dynamicPriority":-5}`}))
	w.refused("updateAdminPlatformDynamicPriority", 400, "invalid_parameter", "dynamicPriority", of(question{name: "neither", body: `{}`}))
	w.made("model", "createAdminPlatformModelForPlatform", of(question{name: "a model", body: promisedModel}))
	w.refused("createAdminPlatformModelForPlatform", 400, "invalid_parameter", "modelType", of(question{name: "of no type", body: `{"providerModelName":"m"}`}))
	body := strings.Replace(strings.ReplaceAll(promisedModel, "house", "home"), "{", `{"platformId":"{platform}",`, 1)
	w.ask("createAdminPlatformModel", 201, question{name: "another model", as: "admin", body: body})
	w.refused("createAdminPlatformModel", 400, "invalid_parameter", "platformId", question{name: "of no platform", as: "admin", body: promisedModel})
	w.refused("createAdminPlatformModel", 404, "not_found", "", question{name: "of an unknown platform", as: "admin", body: strings.Replace(body, "{platform}", nobody, 1)})
	w.ask("listAdminPlatformModels", 200, question{name: "models", as: "admin"})
	w.offered()
	w.ask("deleteAdminPlatformModel", 204, question{name: "deleted", as: "admin", of: "{model}"})
	w.ask("replaceAdminPlatformModels", 200, of(question{name: "others", body: `{"models":[` + promisedModel + `]}`}))
	w.refused("replaceAdminPlatformModels", 400, "invalid_parameter", "models", of(question{name: "no list", body: `{}`}))
	w.ask("deleteAdminPlatform", 204, of(question{name: "deleted"}))
}

// offered asks what callers may use, and what it would cost them.
func (w *witness) offered() {
	for _, operation := range []string{"listCallableModels", "listPlaygroundModels", "listModelCatalog", "listAvailablePlatforms"} {
		w.ask(operation, 200, question{name: "what is offered", as: "key"})
	}
	w.people["reader"] = "Bearer " + w.scoped(w.guest, "tasks")
	w.ask("estimatePricing", 200, question{name: "a call", as: "key", body: `{"model":"sim-chat","max_tokens":20,"messages":[{"role":"user","content":"hi"}]}`})
	w.refused("estimatePricing", 400, "invalid_parameter", "kind", question{name: "of another kind", as: "key", body: `{"kind":"dance","model":"house"}`})
	w.refused("estimatePricing", 403, "insufficient_scope", "", question{name: "by a key for something else", as: "reader", body: `{"model":"house"}`})
	w.refused("estimatePricing", 404, "model_not_found", "model", question{name: "what nobody serves", as: "key", body: `{"model":"none","messages":[{"role":"user","content":"hi"}]}`})
}
