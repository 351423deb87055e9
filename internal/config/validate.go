package config

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// minPassword is the least length of a password. Source: DESIGN, section 5.
const minPassword = 8

// problem is what is wrong with one setting.
type problem struct {
	name string
	err  error
}

// Validate says everything that is wrong with settings that were put together by hand; Load has done so already.
func (c Config) Validate() error { return newLoader(&c).validate() }

func (l *loader) validate() error {
	var errs []error
	for _, f := range l.fields {
		if err := errors.Join(f.checkAllowed(), f.checkMin()); err != nil {
			errs = append(errs, l.bad(f, text(f.value), err))
		}
	}
	for _, p := range append(l.config.problems(), l.badPrefixes()...) {
		if p.err != nil {
			f := l.index[p.name]
			errs = append(errs, l.bad(f, text(f.value), p.err))
		}
	}
	return errors.Join(errs...)
}

// problems checks what a tag cannot say. Entries with a nil error are fine.
func (c Config) problems() []problem {
	return []problem{
		{"data", notEmpty(c.Data)},
		{"addr", hostPort(c.Addr)},
		{"adminAddr", optional(c.AdminAddr, hostPort)},
		{"publicUrl", optional(c.PublicURL, webURL)},
		{"database.url", optional(c.Database.URL.Reveal(), postgresURL)},
		{"masterKey", optional(c.MasterKey.Reveal(), masterKey)},
		{"auth.jwtSecret", optional(c.Auth.JWTSecret.Reveal(), strongSecret)},
		{"auth.oidc.issuer", c.oidc()},
		{"auth.oidc.name", notEmpty(c.Auth.OIDC.Name)},
		{"auth.oidc.roles", rolePairs(c.Auth.OIDC.Roles)},
		{"auth.trustedJwt.issuer", c.trustedJWT()},
		{"auth.trustedJwt.jwksUrl", optional(c.Auth.TrustedJWT.JWKSURL, webURL)},
		{"auth.trustedJwt.algorithms", algorithms(c.Auth.TrustedJWT.Algorithms)},
		{"auth.trustedJwt.name", c.issuerName()},
		{"auth.trustedJwt.roles", rolePairs(c.Auth.TrustedJWT.Roles)},
		{"admin.password", c.Admin.check()},
		{"cluster.enabled", c.cluster()},
		{"limits.redis.url", optional(c.Limits.Redis.URL.Reveal(), redisURL)},
		{"limits.redis.prefix", notEmpty(c.Limits.Redis.Prefix)},
		{"tracing.endpoint", optional(c.Tracing.Endpoint, webURL)},
		{"tracing.sampleRatio", share(c.Tracing.SampleRatio)},
		{"tracing.headers", optional(c.Tracing.Headers.Reveal(), headers)},
		{"media.s3.endpoint", c.Media.S3.check()},
		{"wallet.currency", realCurrency(c.Wallet.Currency)},
		{"wallet.simGrant", grant(c.Wallet.SimGrant, money.SIM)},
		{"wallet.signupGrant", grant(c.Wallet.SignupGrant, c.Wallet.Currency)},
		{"relay.proxyUrl", optional(c.Relay.ProxyURL.Reveal(), proxyURL)},
		{"relay.firstByteTimeout", notAbove(c.Relay.FirstByteTimeout, c.Relay.TotalTimeout, "relay.totalTimeout")},
	}
}

// badPrefixes checks the prefix of every surface.
func (l *loader) badPrefixes() []problem {
	var problems []problem
	for _, f := range l.fields {
		if strings.HasPrefix(f.Name, "surfaces.") && strings.HasSuffix(f.Name, ".prefix") {
			problems = append(problems, problem{f.Name, optional(f.value.String(), pathPrefix)})
		}
	}
	return problems
}

// MasterKeyBytes returns the 32 bytes of the master key, nil when none is set. The key of a loaded Config is valid.
func (c Config) MasterKeyBytes() ([]byte, error) {
	if c.MasterKey.IsZero() {
		return nil, nil
	}
	return decodeKey(c.MasterKey.Reveal())
}

func decodeKey(s string) ([]byte, error) {
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if key, err := decode(s); err == nil && len(key) == secret.KeySize {
			return key, nil
		}
	}
	return nil, fmt.Errorf("want %d bytes in base64 or hex", secret.KeySize)
}

func masterKey(s string) error {
	if _, err := decodeKey(s); err != nil {
		return err
	}
	return strongSecret(s)
}

// cluster checks that nodes share what they must.
func (c Config) cluster() error {
	switch {
	case !c.Cluster.Enabled:
		return nil
	case c.Database.URL.IsZero():
		return errors.New("several nodes need PostgreSQL: set database.url")
	case c.MasterKey.IsZero() || c.Auth.JWTSecret.IsZero():
		return errors.New("several nodes need equal keys: set masterKey and auth.jwtSecret")
	}
	return nil
}

// check checks that a store that is named can be used.
func (s S3) check() error {
	switch {
	case s.Endpoint == "":
		return nil
	case s.Bucket == "" || s.AccessKey == "" || s.SecretKey.IsZero():
		return errors.New("an object store needs media.s3.bucket, accessKey and secretKey")
	}
	return webURL(s.Endpoint)
}

func (a Admin) check() error {
	switch password := a.Password.Reveal(); {
	case (a.Username == "") != a.Password.IsZero():
		return errors.New("admin.username and admin.password are set together or not at all")
	case password == "":
		return nil
	case len([]rune(password)) < minPassword:
		return fmt.Errorf("want %d characters or more", minPassword)
	default:
		return notWellKnown(password)
	}
}

// proxyURL does not repeat what may hold a password.
func proxyURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return errors.New("want an http, https or socks5 address without path")
	}
	return nil
}

func optional(s string, check func(string) error) error {
	if s == "" {
		return nil
	}
	return check(s)
}

func notEmpty(s string) error {
	if s == "" {
		return errors.New("must not be empty")
	}
	return nil
}

func hostPort(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("want host:port")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errors.New("want a port from 0 to 65535")
	}
	return nil
}

func webURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("want http:// or https://, a host and at most a path")
	}
	return nil
}

func postgresURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return errors.New("want a postgres:// URL, or nothing for SQLite")
	}
	return nil
}

func redisURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "redis" && u.Scheme != "rediss") || u.Host == "" {
		return errors.New("want redis:// or rediss:// with a host, or nothing")
	}
	return nil
}

func share(s string) error {
	if v, err := strconv.ParseFloat(s, 64); err != nil || !(v >= 0 && v <= 1) {
		return errors.New("want a number from 0 to 1")
	}
	return nil
}

func headers(s string) error {
	_, err := parseHeaders(s)
	return err
}

// HeaderMap returns the collector's headers by name. Those of a loaded Config are valid.
func (t Tracing) HeaderMap() map[string]string {
	out, _ := parseHeaders(t.Headers.Reveal())
	return out
}

func parseHeaders(s string) (map[string]string, error) {
	out := map[string]string{}
	for _, pair := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) {
		name, value, ok := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " :\r\n") || strings.ContainsAny(value, "\r\n") {
			return nil, errors.New("want name=value,name=value")
		}
		out[name] = strings.TrimSpace(value)
	}
	return out, nil
}

func realCurrency(c money.Currency) error {
	if !c.Known() || c == money.SIM {
		return errors.New("want a currency that Gantry can book, such as USD, EUR or CNY")
	}
	return nil
}

func grant(n money.Number, c money.Currency) error {
	amount, err := n.Amount(c)
	if err != nil {
		return err
	}
	if amount < 0 {
		return money.ErrNegative
	}
	return nil
}

func notAbove(d, limit time.Duration, name string) error {
	if d > limit {
		return fmt.Errorf("must not be above %s (%v)", name, limit)
	}
	return nil
}

func pathPrefix(s string) error {
	if !strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") || strings.ContainsAny(s, "?#{}* ") {
		return errors.New("want a path such as /drawing, without a slash at its end")
	}
	return nil
}
