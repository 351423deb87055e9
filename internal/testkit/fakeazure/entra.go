package fakeazure

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/testkit/tokendesk"
)

// The application of Microsoft Entra ID that may use the resource, and where it gets its tokens.
const (
	Tenant       = "11111111-aaaa-bbbb-cccc-222222222222"
	ClientID     = "33333333-dddd-eeee-ffff-444444444444"
	ClientSecret = "fake~client+secret/0123456789="
	Scope        = "https://cognitiveservices.azure.com/.default"
	TokenPath    = "/" + Tenant + "/oauth2/v2.0/token"
)

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return clock.System()
}

// issue serves the token endpoint.
func (s *Server) issue(w http.ResponseWriter, r *http.Request, body []byte) {
	form, err := url.ParseQuery(string(body))
	refuse := func(status int, code, description string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(marshal(map[string]any{"error": code, "error_description": description, "trace_id": "fake"}))
	}
	switch {
	case r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || err != nil:
		refuse(400, "invalid_request", "AADSTS900144: The request body must contain the following parameter: 'grant_type'.")
	case form.Get("grant_type") != "client_credentials":
		refuse(400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
	case form.Get("client_id") != ClientID:
		refuse(400, "unauthorized_client", "AADSTS700016: Application with identifier was not found in the directory.")
	case form.Get("client_secret") != ClientSecret:
		refuse(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
	case form.Get("scope") != Scope:
		refuse(400, "invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
	case s.Refusal() != "":
		refuse(503, s.Refusal(), "AADSTS90033: A transient error has occurred. Please try again.")
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(marshal(map[string]any{
			"token_type": "Bearer", "expires_in": int(tokendesk.Life / time.Second), "ext_expires_in": int(tokendesk.Life / time.Second),
			"access_token": s.New("eyJ0eXAiOiJKV1QifQ.fake-", s.now()),
		}))
	}
}
