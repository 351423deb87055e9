package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/config"
)

func TestEverySettingIsDescribed(t *testing.T) {
	t.Parallel()
	names, variables := map[string]bool{}, map[string]bool{}
	for _, field := range config.Doc() {
		if names[field.Name] || variables[field.Env] {
			t.Errorf("%s or %s is there twice", field.Name, field.Env)
		}
		names[field.Name], variables[field.Env] = true, true
		if !strings.HasSuffix(field.Doc, ".") || field.Name == "" || strings.HasSuffix(field.Name, ".") {
			t.Errorf("%q: name or description is not complete: %q", field.Name, field.Doc)
		}
	}
	if len(names) < 40 {
		t.Errorf("only %d settings found", len(names))
	}
}

func TestNamesOfSettings(t *testing.T) {
	t.Parallel()
	for _, field := range config.Doc() {
		if field.Name == "relay.maxBodyBytes" {
			if field.Env != "GANTRY_RELAY_MAX_BODY_BYTES" || field.Flag != "--set relay.maxBodyBytes" || field.Default != "8388608" {
				t.Errorf("got %+v", field)
			}
			return
		}
	}
	t.Error("relay.maxBodyBytes is not there")
}

func TestDurationsAreShownShort(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"auth.tokenTtl": "24h", "relay.totalTimeout": "10m", "relay.connectTimeout": "10s",
	}
	for _, field := range config.Doc() {
		if text, ok := want[field.Name]; ok && field.Default != text {
			t.Errorf("%s: %q, want %q", field.Name, field.Default, text)
		}
	}
}

func TestSecretsNeverShow(t *testing.T) {
	t.Parallel()
	const canary = "canary-7Hq2"
	c, report := load(t, config.Options{Env: []string{
		"GANTRY_ADMIN_USERNAME=root", "GANTRY_ADMIN_PASSWORD=" + canary,
		"GANTRY_DATABASE_URL=postgres://u:" + canary + "@127.0.0.1/d",
	}})
	if shown := fmt.Sprintf("%v %+v %#v %v", c, c, c, report); strings.Contains(shown, canary) {
		t.Fatalf("a secret shows: %s", shown)
	}
}
