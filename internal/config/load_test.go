package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// exact compares values that hide their fields as a whole.
var exact = cmpopts.EquateComparable(netip.Prefix{}, secret.String{})

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gantry.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, o config.Options) (config.Config, config.Report) {
	t.Helper()
	c, report, err := config.Load(o)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return c, report
}

func sourceOf(t *testing.T, r config.Report, name string) string {
	t.Helper()
	for _, value := range r.Values {
		if value.Name == name {
			return value.Source
		}
	}
	t.Fatalf("no setting %s in the report", name)
	return ""
}

func TestNothingSetGivesDefaults(t *testing.T) {
	t.Parallel()
	got, report := load(t, config.Options{})
	if diff := cmp.Diff(config.Default(), got, exact); diff != "" {
		t.Fatal(diff)
	}
	if got := sourceOf(t, report, "addr"); got != "default" {
		t.Fatalf("source of addr: %q", got)
	}
}

func TestLaterLayersWin(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "addr: 127.0.0.1:1\nadminAddr: 127.0.0.1:1\nlog:\n  level: debug\n  format: json\n")
	got, report := load(t, config.Options{
		File:  path,
		Env:   []string{"GANTRY_ADDR=127.0.0.1:2", "GANTRY_LOG_LEVEL=warn", "HOME=/root"},
		Flags: map[string]string{"addr": "127.0.0.1:3"},
	})
	want := config.Default()
	want.Addr, want.AdminAddr = "127.0.0.1:3", "127.0.0.1:1"
	want.Log.Level, want.Log.Format = "warn", "json"
	if diff := cmp.Diff(want, got, exact); diff != "" {
		t.Fatal(diff)
	}
	for name, source := range map[string]string{
		"addr":       "flag --addr",
		"log.level":  "environment GANTRY_LOG_LEVEL",
		"log.format": "file " + path,
		"data":       "default",
	} {
		if got := sourceOf(t, report, name); got != source {
			t.Errorf("source of %s: %q, want %q", name, got, source)
		}
	}
}

func TestEveryKindOfValueIsRead(t *testing.T) {
	t.Parallel()
	got, _ := load(t, config.Options{
		File: writeFile(t, `
trustedProxies: [10.0.0.0/8, "2001:db8::1"]
wallet: {simGrant: 25, signupGrant: "0.5"}
relay: {maxBodyBytes: 4096, totalTimeout: 2m}
surfaces: {drawing: {enabled: false, prefix: /drawing}}
simulation:
`),
		Env: []string{"GANTRY_DATABASE_MAX_READERS=9", "GANTRY_ADMIN_USERNAME=root", "GANTRY_ADMIN_PASSWORD=correct horse"},
	})
	want := config.Default()
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::1/128")}
	want.Wallet.SimGrant, want.Wallet.SignupGrant = "25", "0.5"
	want.Relay.MaxBodyBytes, want.Relay.TotalTimeout = 4096, 2*time.Minute
	want.Surfaces.Drawing = config.Surface{Prefix: "/drawing"}
	want.Database.MaxReaders = 9
	want.Admin.Username = "root"
	want.Admin.Password = got.Admin.Password
	if diff := cmp.Diff(want, got, exact); diff != "" {
		t.Fatal(diff)
	}
	if got.Admin.Password.Reveal() != "correct horse" {
		t.Fatal("the password was not read")
	}
}

func TestListFromEnvironmentIsCommaSeparated(t *testing.T) {
	t.Parallel()
	got, _ := load(t, config.Options{Env: []string{"GANTRY_TRUSTED_PROXIES=10.1.2.3/8, 127.0.0.1"}})
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32")}
	if diff := cmp.Diff(want, got.TrustedProxies, exact); diff != "" {
		t.Fatal(diff)
	}
}

func TestUnknownVariableIsOnlyAWarning(t *testing.T) {
	t.Parallel()
	_, report := load(t, config.Options{Env: []string{"GANTRY_ADMIN_PASWORD=x", "GANTRY_CONFIG=gantry.yaml"}})
	want := []string{"unknown setting GANTRY_ADMIN_PASWORD, did you mean GANTRY_ADMIN_PASSWORD? (environment)"}
	if diff := cmp.Diff(want, report.Warnings); diff != "" {
		t.Fatal(diff)
	}
}

// TestRefusals: each case is refused with an error that names the setting, the value and the source.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const key = "9Zt4uT0vJw0hY3mKq8sXb6RfLd2cPnGe"
	tests := map[string]struct {
		file, env, flag string // "name=value" for env and flag
		want            []string
	}{
		"unknown key":              {file: "relay:\n  maxBodyByte: 1", want: []string{"unknown setting relay.maxBodyByte, did you mean relay.maxBodyBytes?", "gantry.yaml"}},
		"unknown key, wrong case":  {file: "publicURL: http://x", want: []string{"unknown setting publicURL, did you mean publicUrl?"}},
		"unknown section":          {file: "plugins: {a: 1}", want: []string{"unknown setting plugins.a"}},
		"unknown flag":             {flag: "adr=x", want: []string{"unknown setting adr, did you mean addr?", "flag --set adr"}},
		"section as value":         {file: "relay: 5", want: []string{"unknown setting relay"}},
		"value as section":         {file: "addr: {}", want: []string{"addr: want one value, got a section"}},
		"list for one value":       {file: "addr: [a, b]", want: []string{"addr: want one value, got a list"}},
		"duplicate key":            {file: "addr: a\naddr: b", want: []string{"already defined"}},
		"number":                   {env: "GANTRY_RELAY_MAX_BODY_BYTES=8MB", want: []string{"relay.maxBodyBytes: want a whole number", `"8MB"`, "environment GANTRY_RELAY_MAX_BODY_BYTES"}},
		"fraction":                 {file: "journal: {maxBatch: 1.5}", want: []string{"journal.maxBatch: want a whole number", `"1.5"`}},
		"duration without a unit":  {file: "shutdown: {timeout: 30}", want: []string{`shutdown.timeout: want a duration such as "1m30s", got "30"`}},
		"truth value":              {env: "GANTRY_SIMULATION_ENABLED=maybe", want: []string{"simulation.enabled: want true or false"}},
		"word":                     {flag: "log.level=loud", want: []string{`log.level: want one of debug, info, warn, error, got "loud" (flag --set log.level)`}},
		"network":                  {file: "trustedProxies: [10.0.0.0/99]", want: []string{"trustedProxies: want networks"}},
		"below the least":          {env: "GANTRY_DATABASE_MAX_READERS=0", want: []string{"database.maxReaders: want 1 or more"}},
		"no time at all":           {file: "relay: {idleTimeout: 0s}", want: []string{"relay.idleTimeout: want 1ms or more"}},
		"first byte after the end": {file: "relay: {firstByteTimeout: 11m}", want: []string{"relay.firstByteTimeout: must not be above relay.totalTimeout"}},
		"address":                  {flag: "addr=8080", want: []string{`addr: want host:port, got "8080" (flag --addr)`}},
		"port":                     {flag: "addr=:99999", want: []string{"addr: want a port"}},
		"public address":           {env: "GANTRY_PUBLIC_URL=ai.example.org", want: []string{"publicUrl: want http:// or https://"}},
		"database":                 {env: "GANTRY_DATABASE_URL=mysql://u:hunter2@h/d", want: []string{`database.url: want a postgres:// URL, or nothing for SQLite, got "***"`}},
		"currency":                 {file: "wallet: {currency: SIM}", want: []string{"wallet.currency: want a currency that Gantry can book"}},
		"float amount":             {file: "wallet: {simGrant: 0.5}", want: []string{"wallet.simGrant: an amount with a fraction is written in quotes"}},
		"amount":                   {env: "GANTRY_WALLET_SIM_GRANT=lots", want: []string{"wallet.simGrant: money: not a decimal number"}},
		"negative amount":          {env: "GANTRY_WALLET_SIGNUP_GRANT=-1", want: []string{"wallet.signupGrant: money: negative"}},
		"prefix":                   {flag: "surfaces.drawing.prefix=drawing/", want: []string{"surfaces.drawing.prefix: want a path such as /drawing"}},
		"name without password":    {env: "GANTRY_ADMIN_USERNAME=root", want: []string{"admin.password: admin.username and admin.password are set together"}},
		"master key length":        {env: "GANTRY_MASTER_KEY=" + key, want: []string{"masterKey: want 32 bytes in base64 or hex"}},
		"missing file":             {file: "-", want: []string{"configuration file", "no such file"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := config.Load(options(t, tt.file, tt.env, tt.flag))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), key) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func options(t *testing.T, file, env, flag string) config.Options {
	t.Helper()
	o := config.Options{}
	switch file {
	case "":
	case "-":
		o.File = filepath.Join(t.TempDir(), "absent.yaml")
	default:
		o.File = writeFile(t, file)
	}
	if env != "" {
		o.Env = []string{env}
	}
	if name, value, ok := strings.Cut(flag, "="); ok {
		o.Flags = map[string]string{name: value}
	}
	return o
}

func TestAllErrorsAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, _, err := config.Load(config.Options{Env: []string{"GANTRY_LOG_LEVEL=loud", "GANTRY_ADDR=x"}})
	if err == nil || !strings.Contains(err.Error(), "log.level") || !strings.Contains(err.Error(), "addr") {
		t.Fatalf("got %v", err)
	}
}
