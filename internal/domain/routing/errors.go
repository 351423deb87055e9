package routing

import "github.com/gantry-ai/gantry/internal/kernel/fault"

// What can go wrong when upstreams are configured.
var (
	ErrProvider   = fault.New(400, "provider_unknown", "There is no adapter of this name.").At("provider")
	ErrPlatform   = fault.New(404, "not_found", "There is no such platform.")
	ErrModel      = fault.New(404, "not_found", "There is no such platform model.")
	ErrKeyTaken   = fault.New(409, "platform_key_taken", "Another platform has this key.").At("platformKey")
	ErrRoute      = fault.New(409, "platform_model_exists", "The platform offers this model under this alias already.").At("modelAlias")
	ErrModelRoute = fault.New(404, "not_found", "The model has no route of its own.")
	ErrBase       = fault.New(400, "base_model_unknown", "There is no such base model.")
)
