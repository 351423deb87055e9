package routing

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// Config is what the settings of a platform may say whatever its adapter is. The zero value says nothing.
type Config struct {
	// Headers are sent with every call, besides the adapter's own.
	Headers map[string]string `json:"headers"`
	// ParamOverride sets members of requests by their dotted paths; null removes one. Its reader is ParamRules.
	ParamOverride json.RawMessage `json:"paramOverride"`
	// ModelMapping is what the upstream is asked for instead, by the alias or by the provider's name of a model.
	ModelMapping map[string]string `json:"modelMapping"`
	// StatusCodeMapping is the status that an answer is classified by, by the status that it has; 400 to 599 both.
	StatusCodeMapping map[string]int `json:"statusCodeMapping"`
	// ProxyURL leads to the upstream: http, https or socks5. A stored one shows no user and password; see OpenProxy.
	ProxyURL string `json:"proxyUrl"`
	// KeyStrategy is how the credentials share the requests.
	KeyStrategy KeyStrategy `json:"credentialStrategy"`
	// Untranslatable is what becomes of what an upstream's protocol has no words for, where callers speak another one.
	Untranslatable Untranslatable `json:"untranslatable"`
	// Adapter is the rest, which only the adapter reads.
	Adapter json.RawMessage `json:"-"`
}

// ParamRules checks what changes requests, which this domain keeps and others read. Faults name the path within.
type ParamRules interface {
	CheckParams(schema []byte) error
	CheckOverride(settings []byte) error
}

const (
	maxHeaders     = 64
	maxHeaderValue = 4096
	maxMappings    = 1000
	maxProxyURL    = 2048
)

// ParseConfig tells the settings that every platform has from its adapter's own. Code: invalid_parameter, with the path
// below config.
func ParseConfig(raw json.RawMessage) (Config, error) {
	var members map[string]json.RawMessage
	if err := check("config", raw, anyObject); err != nil {
		return Config{}, err
	}
	if len(raw) > 0 && json.Unmarshal(raw, &members) != nil {
		return Config{}, fault.ErrBadJSON.At("config")
	}
	var c Config
	for name, own := range map[string]struct {
		into  any
		shape shape
	}{
		"headers": {&c.Headers, textMap(maxHeaders)}, "paramOverride": {&c.ParamOverride, anyObject},
		"modelMapping": {&c.ModelMapping, textMap(maxMappings)}, "statusCodeMapping": {&c.StatusCodeMapping, statusMap},
		"proxyUrl": {&c.ProxyURL, text}, "credentialStrategy": {&c.KeyStrategy, strategyShape},
		"untranslatable": {&c.Untranslatable, untranslatableShape},
	} {
		value, ok := members[name]
		if !ok {
			continue
		}
		delete(members, name)
		if err := check("config."+name, value, own.shape); err != nil {
			return Config{}, err
		}
		if json.Unmarshal(value, own.into) != nil {
			return Config{}, fault.ErrBadJSON.At("config." + name)
		}
	}
	if err := firstError(c.checkHeaders(), c.checkMapping(), c.checkProxy()); err != nil {
		return Config{}, err
	}
	c.Adapter = raw
	if len(members) == 0 {
		c.Adapter = nil
	} else if rest, err := json.Marshal(members); err == nil {
		c.Adapter = rest
	}
	return c, nil
}

// Untranslatable says what becomes of what an upstream's protocol has no words for.
type Untranslatable string

// The policies. The first, which "" means too, drops parameters, with an entry in the request's log, and refuses content.
const (
	DropParameters       Untranslatable = "drop_parameters"
	RefuseUntranslatable Untranslatable = "refuse"
	DropUntranslatable   Untranslatable = "drop"
)

func untranslatableShape(path string, v any) error {
	switch v {
	case "", string(DropParameters), string(RefuseUntranslatable), string(DropUntranslatable):
		return nil
	}
	return invalid(path, "This is to be drop_parameters, refuse or drop.")
}

// textMap wants an object of texts.
func textMap(most int) shape {
	return func(path string, v any) error {
		m, ok := v.(map[string]any)
		if !ok || len(m) > most {
			return invalid(path, "This is to be an object of at most "+strconv.Itoa(most)+" texts.")
		}
		for key, value := range m {
			if err := text(path+"."+key, value); err != nil {
				return err
			}
		}
		return nil
	}
}

func statusMap(path string, v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return invalid(path, "This is to be an object of status codes.")
	}
	isError := func(s string) bool {
		n, err := strconv.Atoi(s)
		return err == nil && len(s) == 3 && n >= 400 && n <= 599
	}
	for from, to := range m {
		n, ok := to.(json.Number)
		if !ok || !isError(from) || !isError(n.String()) {
			return invalid(path+"."+from, "A status code from 400 to 599 is to lead to another.")
		}
	}
	return nil
}

// reservedHeaders belong to the connection, to the adapter, or hold keys; those belong to the credential, which is sealed.
var reservedHeaders = []string{
	"accept", "accept-encoding", "api-key", "authorization", "connection", "content-encoding", "content-length", "content-type",
	"cookie", "expect", "forwarded", "host", "idempotency-key", "keep-alive", "proxy-authenticate", "proxy-authorization",
	"proxy-connection", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "via", "x-api-key", "x-goog-api-key",
}

func (c *Config) checkHeaders() error {
	for name, value := range c.Headers {
		path := "config.headers." + name
		if !isToken(name) || slices.Contains(reservedHeaders, strings.ToLower(name)) {
			return invalid(path, "This header cannot be set.")
		}
		bad := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
		if len(value) > maxHeaderValue || strings.ContainsFunc(value, bad) || strings.TrimSpace(value) != value {
			return invalid(path, "The value cannot be sent as a header.")
		}
	}
	return nil
}

func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

func (c *Config) checkMapping() error {
	for from, to := range c.ModelMapping {
		path := "config.modelMapping." + from
		if from == "" || to == "" {
			return invalid(path, "A model's name is to lead to another.")
		}
		if err := firstError(checkText(path, from, maxAlias), checkText(path, to, maxAlias)); err != nil {
			return err
		}
	}
	return nil
}

const proxyPath = "config.proxyUrl"

func (c *Config) checkProxy() error {
	if c.ProxyURL == "" {
		return nil
	}
	u, err := url.Parse(c.ProxyURL)
	known := err == nil && slices.Contains([]string{"http", "https", "socks5"}, u.Scheme)
	if !known || len(c.ProxyURL) > maxProxyURL || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return invalid(proxyPath, "This is to be an http, https or socks5 address without path and query.")
	}
	return nil
}

// Upstream is what a model is called at the upstream.
func (c *Config) Upstream(m *PlatformModel) string {
	for _, name := range [...]string{m.Alias, m.ProviderModelName} {
		if to, ok := c.ModelMapping[name]; ok {
			return to
		}
	}
	return m.ProviderModelName
}

// adapterSettings are the settings that only the adapter reads.
func adapterSettings(p *Platform) []byte {
	if c, err := ParseConfig(p.Config); err == nil {
		return c.Adapter
	}
	return p.Config // the adapter refuses what it does not know
}

// checkConfig checks the settings that every platform has.
func (s *Service) checkConfig(raw json.RawMessage) error {
	c, err := ParseConfig(raw)
	if err != nil || s.Params == nil || len(c.ParamOverride) == 0 {
		return err
	}
	return prefixed("config.paramOverride", s.Params.CheckOverride(c.ParamOverride))
}

// checkParams checks the schema within capabilities that were entered at path.
func (s *Service) checkParams(path string, raw json.RawMessage) error {
	var capabilities catalog.Capabilities
	_ = json.Unmarshal(raw, &capabilities) // another check says what is wrong with what is no object
	if s.Params == nil || len(capabilities.Params) == 0 {
		return nil
	}
	return prefixed(path+".params", s.Params.CheckParams(capabilities.Params))
}

// hidden stands where a proxy's user and password are not shown.
const hidden = "--masked--"

// sealProxy takes the proxy's user and password out of the settings and keeps the address sealed. An address that shows
// none, as it was shown, keeps what old has.
func (s *Service) sealProxy(p *Platform, old *Platform) error {
	c, err := ParseConfig(p.Config)
	if err != nil || c.ProxyURL == "" {
		return err
	}
	u, err := url.Parse(c.ProxyURL)
	if err != nil || u.User == nil {
		return err
	}
	if u.User.String() == hidden {
		return p.keepProxy(old, c.ProxyURL)
	}
	if p.ProxySealed, err = s.Box.Seal([]byte(c.ProxyURL), proxyPlace(p.ID)); err != nil {
		return err
	}
	u.User = url.User(hidden)
	p.Config, err = withMember(p.Config, "proxyUrl", u.String())
	return err
}

// keepProxy takes over what a platform has sealed for the address that is shown as shown.
func (p *Platform) keepProxy(old *Platform, shown string) error {
	if old != nil && len(old.ProxySealed) > 0 {
		if c, err := ParseConfig(old.Config); err == nil && c.ProxyURL == shown {
			p.ProxySealed = old.ProxySealed
			return nil
		}
	}
	return invalid(proxyPath, "This is a masked preview and not the user and password themselves.")
}

func withMember(object json.RawMessage, name, value string) (json.RawMessage, error) {
	var members map[string]any
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	members[name] = value
	return json.Marshal(members)
}

func proxyPlace(platform id.ID) string { return "platform_proxy|" + platform.String() }

// OpenProxy returns the address of a platform's proxy with its user and password, for whoever makes the connections; the
// zero secret when there is no proxy. The error says nothing of them.
func OpenProxy(box *secret.Box, p *Platform) (secret.String, error) {
	if len(p.ProxySealed) > 0 {
		plain, err := box.Open(p.ProxySealed, proxyPlace(p.ID))
		return secret.New(string(plain)), err
	}
	c, err := ParseConfig(p.Config)
	return secret.New(c.ProxyURL), err
}
