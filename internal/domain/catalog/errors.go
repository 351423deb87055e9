package catalog

import "github.com/gantry-ai/gantry/internal/kernel/fault"

// What can go wrong when the catalogue is changed.
var (
	ErrProvider        = fault.New(404, "not_found", "There is no such provider.")
	ErrProviderKey     = fault.New(409, "provider_key_taken", "Another provider has this key.").At("providerKey")
	ErrProviderUsed    = fault.New(409, "provider_in_use", "Models or platforms belong to this provider.")
	ErrProviderUnknown = fault.New(400, "provider_unknown", "There is no such provider in the catalogue.").At("providerKey")
	ErrModel           = fault.New(404, "not_found", "There is no such base model.")
	ErrModelKey        = fault.New(409, "base_model_key_taken", "Another base model has this key.").At("canonicalModelKey")
	ErrModelUsed       = fault.New(409, "base_model_in_use", "Platforms offer this model.")
	ErrNoSnapshot      = fault.New(409, "no_default_snapshot", "The model has no defaults that it could be reset to.")
)
