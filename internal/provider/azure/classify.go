package azure

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// names are Azure's own error codes, in lower case.
var names = map[string]inference.Category{
	"content_filter":               inference.ContentPolicy,
	"contentfilter":                inference.ContentPolicy,
	"responsibleaipolicyviolation": inference.ContentPolicy,
	"deploymentnotfound":           inference.NotFound,
	"operationnotsupported":        inference.NotFound, // the deployment's model is one for something else
	"permissiondenied":             inference.Permission,
	"ratelimitreached":             inference.RateLimited,
	"timeout":                      inference.Timeout,
	"internalservererror":          inference.ServerError,
}

// waits are the words in which messages of 429 say how long to wait, where no header does.
var waits = regexp.MustCompile(`(?i)retry after (\d{1,5}) (milli)?second`)

// Classify reads an error answer: by Azure's names, else as OpenAI's.
func (u *upstream) Classify(r *http.Response, body []byte) provider.Outcome {
	o := u.shared.Classify(r, body)
	code, _, _, message := wire.ParseError(body)
	if k, ok := names[strings.ToLower(code)]; ok {
		o.Category = k
	} else if r.StatusCode == http.StatusFailedDependency {
		o.Category = inference.ServerError // the model behind the deployment failed
	}
	if o.RetryAfter == 0 && r.StatusCode == http.StatusTooManyRequests {
		o.RetryAfter = waitIn(message)
	}
	return o
}

func waitIn(message string) time.Duration {
	m := waits.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	if m[2] != "" {
		return time.Duration(n) * time.Millisecond
	}
	return time.Duration(n) * time.Second
}
