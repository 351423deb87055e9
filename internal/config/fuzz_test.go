package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/config"
)

// FuzzLoad starts with any file and any environment: it is refused with the setting's name and without secrets, or what came
// out of it can be loaded again.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("addr: 127.0.0.1:1\ndatabase:\n  url: postgres://u:p@h/d\n"), "GANTRY_ADDR", ":9")
	f.Add([]byte("auth:\n  oidc: {issuer: https://x, roles: 'a=admin'}\n  trustedJwt:\n    publicKey: x\n"), "GANTRY_PUBLIC_URL", "https://h")
	f.Add([]byte("a: &a [*a]\n? {}\n: !!binary x\n"), "GANTRY_NOPE", "")
	f.Add([]byte("limits: null\nlog:\n  level: ["), "GANTRY_MASTER_KEY", "c2VjcmV0LWtleQ")
	file := filepath.Join(f.TempDir(), "gantry.yaml")
	f.Fuzz(func(t *testing.T, text []byte, name, value string) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		o := config.Options{File: file, Env: []string{name + "=" + value}}
		first, report, err := config.Load(o)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" || first.Addr != "" {
				t.Errorf("refused with %q and %+v", err, first)
			}
			return
		}
		for _, v := range report.Values {
			if v.Secret && v.Text != "" && v.Text != "***" {
				t.Errorf("%s shows %q", v.Name, v.Text)
			}
		}
		if second, _, err := config.Load(o); err != nil || !reflect.DeepEqual(second, first) {
			t.Errorf("a second time: %v", err)
		}
	})
}
