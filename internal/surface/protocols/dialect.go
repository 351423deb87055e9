package protocols

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// speaksAnthropic reports whether a caller is a client of Anthropic's: all of them name the version that they speak.
func speaksAnthropic(req *http.Request) bool { return len(req.Header["Anthropic-Version"]) > 0 }

// formatOf is a format of the caller's protocol, for what no operation answers.
func formatOf(req *http.Request) wire.Format {
	if speaksAnthropic(req) || strings.HasPrefix(req.URL.Path, "/v1/messages") {
		return anthropic.Messages
	}
	return openai.Chat
}

// refuse answers with a failure in a format's protocol.
func refuse(w http.ResponseWriter, req *http.Request, f wire.Format, err error) {
	why := fault.From(err)
	h := w.Header()
	if why.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((why.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if why.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="gantry"`)
	}
	status := why.Status
	if own, ok := f.(wire.StatusTeller); ok {
		status = own.Status(why)
	}
	if f == anthropic.Messages {
		nameRequest(w, req)
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(f.ErrorBody(why))
}

// nameRequest tells the request's id where Anthropic's clients look for it.
func nameRequest(w http.ResponseWriter, req *http.Request) {
	w.Header()["Request-Id"] = []string{httpx.RequestID(req)}
}

const bearer = "Bearer "

// takeKey makes a key in x-api-key the caller's authorization. Of two that differ nobody could say which one counts.
func takeKey(req *http.Request) error {
	keys := req.Header["X-Api-Key"]
	if len(keys) == 0 {
		return nil
	}
	if len(keys) > 1 || keys[0] == "" {
		return identity.ErrCredentials
	}
	given := req.Header["Authorization"]
	if len(given) == 0 {
		req.Header["Authorization"] = []string{bearer + keys[0]}
		return nil
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if len(given) > 1 || !strings.EqualFold(scheme, "Bearer") || token != keys[0] {
		return errTwoKeys
	}
	return nil
}

var errTwoKeys = identity.ErrCredentials.Saying("Two different keys were given, in x-api-key and in Authorization: send one.")
