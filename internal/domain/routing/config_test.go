package routing_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// strictRules refuses whatever speaks of "bad".
type strictRules struct{}

func (strictRules) CheckParams(schema []byte) error {
	if strings.Contains(string(schema), "bad") {
		return fault.ErrInvalid.At("properties.bad")
	}
	return nil
}

func (r strictRules) CheckOverride(settings []byte) error { return r.CheckParams(settings) }

func TestConfigIsRefusedWithThePath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Service.Params = strictRules{}
	for path, config := range map[string]string{
		"config":                              `[]`,
		"config.unknown":                      `{"unknown":1}`,
		"config.headers":                      `{"headers":["a"]}`,
		"config.headers.X-A":                  `{"headers":{"X-A":1}}`,
		"config.headers.X-B":                  `{"headers":{"X-B":"a\r\nHost: b"}}`,
		"config.headers.authorization":        `{"headers":{"authorization":"Bearer x"}}`,
		"config.headers.Transfer-Encoding":    `{"headers":{"Transfer-Encoding":"chunked"}}`,
		"config.headers.COOKIE":               `{"headers":{"COOKIE":"a=b"}}`,
		"config.headers.two words":            `{"headers":{"two words":"a"}}`,
		"config.paramOverride":                `{"paramOverride":[]}`,
		"config.paramOverride.properties.bad": `{"paramOverride":{"bad":1}}`,
		"config.modelMapping.a":               `{"modelMapping":{"a":""}}`,
		"config.statusCodeMapping.200":        `{"statusCodeMapping":{"200":500}}`,
		"config.statusCodeMapping.429":        `{"statusCodeMapping":{"429":200}}`,
		"config.proxyUrl":                     `{"proxyUrl":"ftp://h:1"}`,
	} {
		in := draft()
		in.Config = json.RawMessage(config)
		if _, err := w.CreatePlatform(t.Context(), admin, in); fault.From(err) == nil || fault.From(err).Path != path {
			t.Errorf("%s: %v", config, err)
		}
	}
	for _, proxy := range []string{"http://", "http://h/path", "socks5://h:1?q", "h:1", "://", "http://u:p@"} {
		in := draft()
		in.Config = json.RawMessage(`{"proxyUrl":"` + proxy + `"}`)
		if _, err := w.CreatePlatform(t.Context(), admin, in); fault.From(err) == nil || fault.From(err).Path != "config.proxyUrl" {
			t.Errorf("%s: %v", proxy, err)
		}
	}
	p, err := w.CreatePlatform(t.Context(), admin, draft())
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.CreateModel(t.Context(), admin, routing.NewModel{
		PlatformID: p.ID, ProviderModelName: "x", Types: []string{"chat"}, Capabilities: json.RawMessage(`{"params":{"bad":1}}`),
	})
	if fault.From(err) == nil || fault.From(err).Path != "capabilities.params.properties.bad" {
		t.Errorf("a bad schema: %v", err)
	}
}

func TestConfigOfThePlatformAndOfItsAdapter(t *testing.T) {
	t.Parallel()
	c, err := routing.ParseConfig(json.RawMessage(
		`{"headers":{"X-Team":"a"},"organization":"o","statusCodeMapping":{"429":503},"modelMapping":{"m":"d"},"proxyUrl":"socks5://h:1080"}`))
	if err != nil || c.Headers["X-Team"] != "a" || c.StatusCodeMapping["429"] != 503 || string(c.Adapter) != `{"organization":"o"}` || c.ProxyURL != "socks5://h:1080" {
		t.Fatalf("%+v, %v", c, err)
	}
	if c.Upstream(&routing.PlatformModel{Alias: "a", ProviderModelName: "m"}) != "d" || c.Upstream(&routing.PlatformModel{Alias: "m", ProviderModelName: "x"}) != "d" {
		t.Error("the mapping goes by neither name")
	}
	for _, nothing := range []string{``, `{}`, `null`, `{"headers":null,"paramOverride":null}`} {
		if c, err := routing.ParseConfig(json.RawMessage(nothing)); err != nil || len(c.Adapter) > 4 || c.Headers != nil {
			t.Errorf("%q: %+v, %v", nothing, c, err)
		}
	}
}

func TestProxyPasswordIsNeverShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := draft()
	in.Config = json.RawMessage(`{"proxyUrl":"http://gantry:pa%20ss@proxy.example:3128"}`)
	p, err := w.CreatePlatform(t.Context(), admin, in)
	if err != nil {
		t.Fatal(err)
	}
	opens := func(p *routing.Platform, want string) {
		t.Helper()
		if got, err := routing.OpenProxy(w.Box, p); err != nil || got.Reveal() != want {
			t.Errorf("opened %q, %v, want %q", got.Reveal(), err, want)
		}
		if strings.Contains(string(p.Config), "pa%20ss") || strings.Contains(string(p.Config), "gantry:") {
			t.Errorf("the settings show it: %s", p.Config)
		}
	}
	opens(&p, "http://gantry:pa%20ss@proxy.example:3128")

	in.Config = p.Config // as it is shown
	next, err := w.ReplacePlatform(t.Context(), admin, p.ID, in)
	if err != nil {
		t.Fatal(err)
	}
	opens(&next, "http://gantry:pa%20ss@proxy.example:3128")

	in.Config = json.RawMessage(strings.Replace(string(p.Config), "proxy.example", "elsewhere.example", 1))
	if _, err := w.ReplacePlatform(t.Context(), admin, p.ID, in); fault.From(err) == nil || fault.From(err).Path != "config.proxyUrl" {
		t.Errorf("a masked password for another proxy: %v", err)
	}
	if _, err := w.CreatePlatform(t.Context(), admin, in); fault.From(err) == nil || fault.From(err).Path != "config.proxyUrl" {
		t.Errorf("a masked password for a new platform: %v", err)
	}
	in.Config = json.RawMessage(`{"proxyUrl":"http://proxy.example:3128"}`)
	if next, err = w.ReplacePlatform(t.Context(), admin, p.ID, in); err != nil || next.ProxySealed != nil {
		t.Errorf("without a password: %v, %v", next.ProxySealed, err)
	}
	opens(&next, "http://proxy.example:3128")
	next.ProxySealed = []byte("damaged")
	if _, err := routing.OpenProxy(w.Box, &next); err == nil || errors.Is(err, fault.ErrNotFound) {
		t.Errorf("a damaged seal: %v", err)
	}
}
