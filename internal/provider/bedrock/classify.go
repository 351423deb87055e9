package bedrock

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

// Classify reads an error answer: by the name of the exception, and by its message where one name stands for several things.
func (u *upstream) Classify(r *http.Response, body []byte) provider.Outcome {
	name, message := nameOf(r.Header.Get("X-Amzn-Errortype"), body), messageOf(body)
	secrets := []string{u.key.Reveal(), u.base.Host}
	if u.signer != nil {
		secrets = append(secrets, u.signer.accessKey, u.signer.session.Reveal())
	}
	return provider.Outcome{
		Category: categorize(r.StatusCode, name, message), Code: provider.CleanCode(name), Message: provider.Scrub(message, secrets...),
		RetryAfter: provider.RetryAfter(r.Header),
	}
}

// nameOf is the exception's name: the header's without the address behind it, or that of the body without its namespace.
func nameOf(header string, body []byte) string {
	if header == "" {
		var named struct {
			Type string `json:"__type"`
		}
		_ = json.Unmarshal(body, &named) // a body of another kind names nothing
		header = named.Type
	}
	name, _, _ := strings.Cut(header, ":")
	if at := strings.LastIndexByte(name, '#'); at >= 0 {
		name = name[at+1:]
	}
	return name
}

func messageOf(body []byte) string {
	var said struct {
		Message string `json:"message"` // of any letter case
	}
	_ = json.Unmarshal(body, &said) // a body of another kind says nothing
	return said.Message
}

// names are the exceptions, in lower case: those of streams begin with a small letter.
var names = map[string]inference.Category{
	"validationexception":           inference.InvalidRequest,
	"accessdeniedexception":         inference.Permission,
	"unrecognizedclientexception":   inference.Authentication,
	"invalidsignatureexception":     inference.Authentication,
	"expiredtokenexception":         inference.Authentication,
	"incompletesignatureexception":  inference.Authentication,
	"missingauthenticationtoken":    inference.Authentication,
	"optinrequired":                 inference.Permission,
	"resourcenotfoundexception":     inference.NotFound,
	"modeltimeoutexception":         inference.Timeout,
	"modelerrorexception":           inference.ServerError,
	"modelstreamerrorexception":     inference.ServerError,
	"throttlingexception":           inference.RateLimited,
	"modelnotreadyexception":        inference.Overloaded,
	"servicequotaexceededexception": inference.QuotaExhausted,
	"internalserverexception":       inference.ServerError,
	"serviceunavailableexception":   inference.Overloaded,
}

// said are parts of messages, in lower case, that say more than the name of the exception, each under its name.
var said = []struct {
	name, part string
	is         inference.Category
}{
	{"validationexception", "input is too long", inference.ContextLength},
	{"validationexception", "prompt is too long", inference.ContextLength},
	{"validationexception", "too many input tokens", inference.ContextLength},
	{"validationexception", "maximum context length", inference.ContextLength},
	{"validationexception", "on-demand throughput isn", inference.NotFound},
	{"validationexception", "model identifier is invalid", inference.NotFound},
	{"validationexception", "operation not allowed", inference.Permission},
	{"validationexception", "content filtering policy", inference.ContentPolicy},
	{"accessdeniedexception", "invalid_payment_instrument", inference.QuotaExhausted},
	{"accessdeniedexception", "authentication failed", inference.Authentication},
	{"accessdeniedexception", "api key", inference.Authentication},
	{"throttlingexception", "per day", inference.QuotaExhausted},
}

func categorize(status int, name, message string) inference.Category {
	name, message = strings.ToLower(name), strings.ToLower(message)
	for _, s := range said {
		if s.name == name && strings.Contains(message, s.part) {
			return s.is
		}
	}
	if k, ok := names[name]; ok {
		return k
	}
	return provider.ByStatus(status, statuses)
}

// statuses are those that Bedrock uses in a way of its own. 0: within a stream.
var statuses = map[int]inference.Category{
	http.StatusFailedDependency: inference.ServerError,
	0:                           inference.ServerError,
}
