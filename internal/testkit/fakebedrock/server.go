// Package fakebedrock is AWS Bedrock for tests: it checks signatures as AWS does, from the request that arrived, takes
// Converse and Claude's requests as strictly as the real one, streams frames, and fails on request.
// Source: the provider sheet "azure-bedrock-vertex".
package fakebedrock

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
)

// What the account is called. Token is what temporary credentials bring along, and APIKey signs in without a signature.
const (
	AccessKey = "AKIAFAKEBEDROCK00001"
	SecretKey = "fakebedrock/secret+key0123456789abcdefgh"
	Token     = "FwoGZXIvYXdzEFAKE//token+of+a+session=="
	APIKey    = "bedrock-api-key-ZmFrZWJlZHJvY2s="
	Region    = "us-east-1"
)

// The models of the account. Profile is an inference profile of Claude; OnDemand needs none; Bare cannot be called without one.
const (
	OnDemand = "amazon.nova-lite-v1:0"
	Profile  = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	Bare     = "anthropic.claude-sonnet-4-5-20250929-v1:0"
)

// Server is the fake. The zero value is ready. It is safe for concurrent use.
type Server struct {
	// Now is the time that signatures are held against; nil is the machine's.
	Now clock.Clock
	// Temporary says that the account's credentials are temporary: requests without Token are refused.
	Temporary bool

	once      sync.Once
	anthropic *fakeanthropic.Server
}

// ServeHTTP answers as the runtime and as the control plane.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", "11111111-2222-3333-4444-555555555555")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if f := s.authenticate(r, body); f != nil {
		f.write(w)
		return
	}
	switch {
	case r.URL.Path == "/foundation-models":
		reply(w, map[string]any{"modelSummaries": []any{
			map[string]any{"modelId": OnDemand, "inferenceTypesSupported": []string{"ON_DEMAND"}, "outputModalities": []string{"TEXT"}},
			map[string]any{"modelId": Bare, "inferenceTypesSupported": []string{"INFERENCE_PROFILE"}, "outputModalities": []string{"TEXT"}},
		}})
	case r.URL.Path == "/inference-profiles":
		s.profiles(w, r)
	default:
		s.call(w, r, body)
	}
}

// profiles come in two pages.
func (s *Server) profiles(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Query().Get("nextToken") {
	case "":
		reply(w, map[string]any{"inferenceProfileSummaries": []any{map[string]any{"inferenceProfileId": Profile}}, "nextToken": "page/2+="})
	case "page/2+=":
		reply(w, map[string]any{"inferenceProfileSummaries": []any{map[string]any{"inferenceProfileId": "us." + OnDemand}}})
	default:
		(&fault{400, "ValidationException", "The nextToken is not valid."}).write(w)
	}
}

func (s *Server) call(w http.ResponseWriter, r *http.Request, body []byte) {
	// The id is encoded: only the raw path tells its slashes from others.
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/model/")
	escaped, operation, both := strings.Cut(rest, "/")
	id, err := url.PathUnescape(escaped)
	if !ok || !both || err != nil || r.Method != http.MethodPost {
		(&fault{404, "UnknownOperationException", ""}).write(w)
		return
	}
	model, name, _ := strings.Cut(id, "--")
	c := &exchange{server: s, w: w, r: r, model: model, fault: name}
	if f := c.check(body, operation); f != nil {
		f.write(w)
		return
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members) // it was checked
	c.answer(operation, body, members)
}

// fault is an error as AWS answers it.
type fault struct {
	status        int
	name, message string
}

func (f *fault) write(w http.ResponseWriter) {
	w.Header().Set("X-Amzn-Errortype", f.name+":http://internal.amazon.com/coral/com.amazon.bedrock/")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_, _ = w.Write(marshal(map[string]string{"message": f.message}))
}

func invalid(message string) *fault { return &fault{400, "ValidationException", message} }

// faults are errors on request, by the model's name: "amazon.nova-lite-v1:0--throttling".
var faults = map[string]*fault{
	"validation":   invalid("Malformed input request: #/inferenceConfig/temperature: 3 is not less or equal to 1, please reformat your input and try again."),
	"long":         invalid("Input is too long for requested model."),
	"denied":       {403, "AccessDeniedException", "You don't have access to the model with the specified model ID."},
	"payment":      {403, "AccessDeniedException", "Model access is denied due to INVALID_PAYMENT_INSTRUMENT: A valid payment instrument must be provided."},
	"expired":      {403, "ExpiredTokenException", "The security token included in the request is expired"},
	"timeout":      {408, "ModelTimeoutException", "Model has timed out in processing the request. Try your request again."},
	"model":        {424, "ModelErrorException", "The model failed to process the request."},
	"throttling":   {429, "ThrottlingException", "Too many requests, please wait before trying again."},
	"day":          {429, "ThrottlingException", "Too many tokens per day, please wait before trying again."},
	"ready":        {429, "ModelNotReadyException", "Model is not ready for inference."},
	"quota":        {400, "ServiceQuotaExceededException", "The account has reached its quota."},
	"internal":     {500, "InternalServerException", "The system encountered an unexpected error at arn:aws:bedrock:us-east-1:123456789012:x for " + AccessKey + "."},
	"unavailable":  {503, "ServiceUnavailableException", "Bedrock is unable to process your request."},
	"unidentified": {502, "", "Bad Gateway"},
}

// check looks at the request: its model, and its body.
func (c *exchange) check(body []byte, operation string) *fault {
	switch c.model {
	case OnDemand, Profile:
	case Bare:
		return invalid("Invocation of model ID " + Bare + " with on-demand throughput isn’t supported. Retry your request with the ID or " +
			"ARN of an inference profile that contains this model.")
	default:
		return invalid("The provided model identifier is invalid.")
	}
	if f := faults[c.fault]; f != nil {
		return f
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return invalid("Malformed input request, please reformat your input and try again.")
	}
	switch operation {
	case "converse", "converse-stream":
		_, f := c.checkConverse(body, members)
		return f
	case "invoke", "invoke-with-response-stream":
		return c.checkClaude(members)
	}
	return &fault{404, "UnknownOperationException", ""}
}

func known(members map[string]json.RawMessage, names ...string) *fault {
	for name := range members {
		if !slices.Contains(names, name) {
			return invalid(name + ": Extra inputs are not permitted")
		}
	}
	return nil
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(marshal(v))
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the fake's own shapes can be written
	}
	return text
}
