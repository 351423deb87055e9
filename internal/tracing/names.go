package tracing

import "github.com/gantry-ai/gantry/internal/inference"

// The names of attributes. Those of the GenAI conventions are still moving, so they are written down here and not taken
// from a library that would rename them.
const (
	serviceName     = "service.name"
	serviceVersion  = "service.version"
	serviceInstance = "service.instance.id"

	httpMethod = "http.request.method"
	httpStatus = "http.response.status_code"
	urlPath    = "url.path"
	errorType  = "error.type"

	genAIOperation     = "gen_ai.operation.name"
	genAIProvider      = "gen_ai.provider.name"
	genAISystem        = "gen_ai.system" // as older versions of the convention name the provider
	genAIRequestModel  = "gen_ai.request.model"
	genAIResponseModel = "gen_ai.response.model"
	genAIMaxOutput     = "gen_ai.request.max_tokens"
	genAIInput         = "gen_ai.usage.input_tokens"
	genAIOutput        = "gen_ai.usage.output_tokens"
	genAICacheRead     = "gen_ai.usage.cache_read.input_tokens"
	genAICacheCreation = "gen_ai.usage.cache_creation.input_tokens"

	gantryRequestID = "gantry.request_id"
	gantryTask      = "gantry.task"
	gantryKind      = "gantry.kind"
	gantryStream    = "gantry.stream"
	gantrySimulated = "gantry.simulated"
	gantryUser      = "gantry.user"
	gantryTenant    = "gantry.tenant"
	gantryKey       = "gantry.key"
	gantryPlatform  = "gantry.platform"
	gantryRoute     = "gantry.route"
	gantryAttempts  = "gantry.attempts"
	gantryAttempt   = "gantry.attempt"
	gantryCategory  = "gantry.category"
	gantryVerdict   = "gantry.verdict"
	gantryBill      = "gantry.bill"
	gantryHeld      = "gantry.held"
	gantryCharged   = "gantry.charged"

	firstByte = "first_byte" // an event
)

// operations are the convention's names; other operations go by ours.
var operations = map[inference.Kind]string{
	inference.Chat: "chat", inference.Responses: "chat", inference.Messages: "chat",
	inference.GenerateContent: "generate_content", inference.Embeddings: "embeddings",
}

func operation(k inference.Kind) string {
	if name, ok := operations[k]; ok {
		return name
	}
	return string(k)
}
