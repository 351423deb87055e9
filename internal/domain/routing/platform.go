package routing

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// DefaultPriority is the priority of a platform that was given none.
const DefaultPriority = 100

const (
	maxName    = 100
	maxAlias   = 128
	maxBaseURL = 2048
)

// NewPlatform describes a platform as it is entered. Provider and Name are required; everything else has a default.
type NewPlatform struct {
	Provider         string
	Key              string // empty: made of the name
	Name             string
	InternalName     string
	BaseURL          string // empty: the adapter's
	AuthType         string // empty: the adapter's first
	Credentials      json.RawMessage
	Config           json.RawMessage
	Priority         *int64 // nil: 100
	Discount         money.Number
	PricingMode      string
	PricingRuleSetID id.ID
	RateLimitPolicy  json.RawMessage
	RetryPolicy      json.RawMessage
	Status           string // empty: enabled
}

// platform checks the description and makes the row with its credentials.
func (s *Service) platform(by event.Actor, in NewPlatform) (Platform, error) {
	p, err := s.settings(by, in)
	if err != nil {
		return Platform{}, err
	}
	adapter, _ := s.Adapters.Lookup(in.Provider)
	p.Credentials, err = s.credentials(&p, in.Credentials, adapter)
	return p, err
}

// newPlatform makes the row of a platform that was not there.
func (s *Service) newPlatform(by event.Actor, in NewPlatform) (Platform, error) {
	p, err := s.platform(by, in)
	if err == nil {
		err = s.sealProxy(&p, nil)
	}
	return p, err
}

// settings checks all but the credentials and makes the row.
func (s *Service) settings(by event.Actor, in NewPlatform) (Platform, error) {
	adapter, ok := s.Adapters.Lookup(in.Provider)
	if !ok {
		return Platform{}, ErrProvider
	}
	in, err := in.withDefaults(adapter)
	if err != nil {
		return Platform{}, err
	}
	if err := s.checkConfig(in.Config); err != nil {
		return Platform{}, err
	}
	discount, err := readDiscount("defaultDiscountFactor", in.Discount)
	if err != nil {
		return Platform{}, err
	}
	status, err := readStatus(in.Status)
	if err != nil {
		return Platform{}, err
	}
	now := s.Now()
	return Platform{
		ID: id.At(now), TenantID: by.TenantID, Provider: in.Provider, Key: in.Key, Name: in.Name,
		InternalName: in.InternalName, BaseURL: in.BaseURL, AuthType: in.AuthType, Config: orEmpty(in.Config),
		Priority: *in.Priority, Discount: discount, PricingMode: in.PricingMode, PricingRuleSetID: in.PricingRuleSetID,
		RateLimitPolicy: orEmpty(in.RateLimitPolicy), RetryPolicy: orEmpty(in.RetryPolicy), RuntimePolicy: orEmpty(nil),
		Status: status, Metadata: orEmpty(nil), CreatedAt: now, UpdatedAt: now,
	}, nil
}

func (in NewPlatform) withDefaults(a AdapterInfo) (NewPlatform, error) {
	err := firstError(
		checkText("name", in.Name, maxName), checkText("internalName", in.InternalName, maxName),
		checkText("platformKey", in.Key, maxName), checkText("defaultPricingMode", in.PricingMode, maxName),
		check("config", in.Config, anyObject), check("rateLimitPolicy", in.RateLimitPolicy, platformRateLimitShape),
		check("retryPolicy", in.RetryPolicy, parsed(ParseRetry)), checkAuthType(in.AuthType, a),
		checkPriority("priority", in.Priority),
	)
	if err != nil {
		return in, err
	}
	if in.Name == "" {
		return in, invalid("name", "A platform needs a name.")
	}
	if in.Key == "" {
		in.Key = slug(in.Name) + "-" + strings.ToLower(secret.Random(6))
	}
	if in.InternalName == "" {
		in.InternalName = in.Name
	}
	if in.AuthType == "" && len(a.AuthTypes) > 0 {
		in.AuthType = a.AuthTypes[0]
	}
	if in.Priority == nil {
		priority := int64(DefaultPriority)
		in.Priority = &priority
	}
	in.BaseURL, err = readBaseURL(in.BaseURL, a)
	return in, err
}

func checkAuthType(authType string, a AdapterInfo) error {
	if authType != "" && !slices.Contains(a.AuthTypes, authType) {
		return invalid("authType", fmt.Sprintf("The provider takes one of %q.", a.AuthTypes))
	}
	return nil
}

// readBaseURL wants an absolute URL without user, query and fragment. An administrator's own base URL may lead anywhere
// (DESIGN section 15).
func readBaseURL(text string, a AdapterInfo) (string, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "/")
	if text == "" {
		return a.DefaultBaseURL, nil
	}
	u, err := url.Parse(text)
	if err != nil || len(text) > maxBaseURL || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" {
		return "", invalid("baseUrl", "This is to be an http or https URL without user, query and fragment.")
	}
	return text, nil
}

func readDiscount(path string, n money.Number) (money.Factor, error) {
	if n == "" {
		return money.One, nil
	}
	f, err := money.ParseFactor(string(n))
	if err != nil || f <= 0 {
		return 0, invalid(path, "A discount factor is a decimal above 0 with at most 9 places.")
	}
	return f, nil
}

// readStatus also takes "active", by which contracts name what is in use.
func readStatus(s string) (Status, error) {
	switch s {
	case "", "active", string(Enabled):
		return Enabled, nil
	case string(Disabled):
		return Disabled, nil
	}
	return "", invalid("status", "The status is enabled or disabled.")
}

// readAndTry reads what was entered and holds it against the adapter.
func (s *Service) readAndTry(p *Platform, raw json.RawMessage, a AdapterInfo) ([]plainCredential, error) {
	plain, err := readCredentials(raw, a.Credential)
	if err != nil {
		return nil, err
	}
	for _, c := range plain {
		for _, f := range a.Credential {
			if f.Required && c.fields[f.Name] == "" {
				return nil, invalid(c.at(f.Name), "The provider needs this field.")
			}
		}
		if err := s.Adapters.Check(p.Provider, p.BaseURL, p.AuthType, c.fields, adapterSettings(p)); err != nil {
			return nil, c.locate(err)
		}
	}
	return plain, nil
}

func (s *Service) credentials(p *Platform, raw json.RawMessage, a AdapterInfo) ([]Credential, error) {
	plain, err := s.readAndTry(p, raw, a)
	if err != nil {
		return nil, err
	}
	out := make([]Credential, 0, len(plain))
	for _, c := range plain {
		row, err := seal(s.Box, c, p.ID, p.CreatedAt)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// Account is what a draft would call its upstream with.
type Account struct {
	Provider   string
	BaseURL    string
	AuthType   string
	Credential map[string]secret.String
	Config     json.RawMessage // the adapter's own
	Headers    map[string]string
	ProxyURL   secret.String // zero: none
}

// Try checks a draft as CreatePlatform does and returns the account of its first credential; nothing is kept.
func (s *Service) Try(in NewPlatform) (Account, error) {
	adapter, ok := s.Adapters.Lookup(in.Provider)
	if !ok {
		return Account{}, ErrProvider
	}
	if in.Name == "" {
		in.Name = "draft"
	}
	in, err := in.withDefaults(adapter)
	if err != nil {
		return Account{}, err
	}
	if err := s.checkConfig(in.Config); err != nil {
		return Account{}, err
	}
	p := Platform{Provider: in.Provider, BaseURL: in.BaseURL, AuthType: in.AuthType, Config: orEmpty(in.Config)}
	plain, err := s.readAndTry(&p, in.Credentials, adapter)
	if err != nil {
		return Account{}, err
	}
	fields := make(map[string]secret.String, len(plain[0].fields))
	for name, value := range plain[0].fields {
		fields[name] = secret.New(value)
	}
	common, err := ParseConfig(p.Config)
	return Account{
		p.Provider, p.BaseURL, p.AuthType, fields, common.Adapter, common.Headers, secret.New(common.ProxyURL),
	}, err
}

// slug makes a key of a name: lower-case letters, digits and dashes.
func slug(name string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name)
	if out = strings.Trim(out, "-"); out == "" {
		return "platform"
	}
	return out
}

func checkText(path, s string, limit int) error {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > limit || strings.ContainsFunc(s, unicode.IsControl) {
		return invalid(path, "The text is too long or holds control characters.")
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func orEmpty(v json.RawMessage) json.RawMessage {
	if len(v) == 0 || string(v) == "null" {
		return json.RawMessage(`{}`)
	}
	return v
}

func indexed(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// prefixed puts a path before the one that a fault names.
func prefixed(path string, err error) error {
	f := fault.From(err)
	if f == nil {
		return nil
	}
	if f.Path != "" {
		path += "." + f.Path
	}
	return f.At(path)
}
