package azure

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/oauth"
)

// authEntra signs in as an application of Microsoft Entra ID, with its secret.
const authEntra = "entra"

const (
	defaultLogin = "https://login.microsoftonline.com/"
	// defaultScope is what tokens are asked for. The v1 form also takes those for https://ai.azure.com/.default.
	defaultScope = "https://cognitiveservices.azure.com/.default"
)

// tenantForm is the id of a tenant, or one of its domains; clientForm the id of an application.
var (
	tenantForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$`)
	clientForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
)

// entra is an application that gets tokens.
type entra struct {
	tenant, client, scope string
	endpoint              *url.URL
	secret                secret.String
}

// entra reads the application's account. Code: provider_config_invalid.
func (c *config) entra(clientSecret secret.String) (*entra, error) {
	e := &entra{tenant: c.TenantID, client: c.ClientID, scope: c.Scope, secret: clientSecret}
	if e.scope == "" {
		e.scope = defaultScope
	}
	address := c.TokenURL
	if address == "" {
		address = defaultLogin + e.tenant + "/oauth2/v2.0/token"
	}
	var err error
	e.endpoint, err = provider.ParseBaseURL(address, "")
	switch {
	case !tenantForm.MatchString(e.tenant):
		return nil, provider.FaultConfig("config.tenantId", "The id of the tenant, or one of its domains, is required.")
	case !clientForm.MatchString(e.client):
		return nil, provider.FaultConfig("config.clientId", "The id of the application is required.")
	case err != nil:
		return nil, provider.FaultConfig("config.tokenUrl", "The address must be http or https, without user, query or fragment.")
	case !strings.HasPrefix(e.scope, "https://") || strings.ContainsAny(e.scope, " \t\r\n"):
		return nil, provider.FaultConfig("config.scope", "A scope is an address such as https://ai.azure.com/.default.")
	case clientSecret.IsZero():
		return nil, provider.FaultConfig("credentials.clientSecret", "The secret of the application is required.")
	}
	return e, nil
}

// account is the application as one who gets tokens.
func (e *entra) account() *oauth.Account {
	id := strings.Join([]string{e.tenant, e.client, e.scope, e.endpoint.String(), e.secret.Reveal()}, "\x00")
	return &oauth.Account{ID: sha256.Sum256([]byte(id)), Endpoint: e.endpoint, Form: func(time.Time) (url.Values, error) {
		return url.Values{
			"grant_type": {"client_credentials"}, "client_id": {e.client}, "client_secret": {e.secret.Reveal()}, "scope": {e.scope},
		}, nil
	}}
}

// signIn puts tokens on all requests of an account.
func (d Adapter) signIn(next http.RoundTripper, e *entra) http.RoundTripper {
	book := d.Tokens
	if book == nil {
		book = &oauth.Book{}
	}
	return &oauth.Transport{Next: next, Source: book.Source(e.account()), ErrorBody: errorBody}
}

// errorBody says in Azure's words that there is no token.
func errorBody(status int, message string) []byte {
	code := "401"
	if status != http.StatusUnauthorized {
		code = "InternalServerError"
	}
	text, err := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message}})
	if err != nil {
		panic(err) // texts can be written
	}
	return text
}
