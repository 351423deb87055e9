package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/app"
	"github.com/gantry-ai/gantry/internal/cli"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

func runProvider(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	code = cli.Run(t.Context(), cli.Program{
		Args: append([]string{"provider"}, args...), Env: env, Stdout: &out, Stderr: &log,
		Providers: cli.Providers{Test: testProvider, TestPlatform: testPlatform, Names: app.ProviderNames},
	})
	return code, out.String(), log.String()
}

func TestProviderTest(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(fakeopenai.New(fakeopenai.Options{}))
	t.Cleanup(server.Close)
	env := []string{"KEY=" + fakeopenai.DefaultKey, "WRONG=sk-wrong-0123456789", "EMPTY="}
	base := "--base-url=" + server.URL + "/v1"
	for name, c := range map[string]struct {
		args   []string
		code   int
		stdout []string
		stderr string
	}{
		"all is well": {
			[]string{"deepseek", base, "--credential=apiKey=KEY"},
			0,
			[]string{"ok    resolve", "-     tls", "ok    auth", "ok    models", "6 models", "ok    call", "The model gpt-4o-mini answered.", "models: gpt-4o-mini, "},
			"",
		},
		"a wrong key": {
			[]string{"deepseek", base, "--credential=apiKey=WRONG"},
			1,
			[]string{"FAIL  auth", "status 401", "Wrong key, or a key of another region.", "-     call"},
			"cannot be used yet",
		},
		"no such model": {
			[]string{"vllm", base, "--auth-type=bearer", "--credential=apiKey=KEY", "--model=nobody"},
			1,
			[]string{"ok    models", "FAIL  call", "Check the model's name"},
			"cannot be used yet",
		},
		"bad settings": {
			[]string{"mistral", base, "--credential=apiKey=KEY", `--settings={"nope":1}`}, 1, []string{"FAIL  resolve", "settings are not valid"}, "cannot be used yet",
		},
		"neither":             {nil, 1, nil, "name a provider, or a platform"},
		"both":                {[]string{"deepseek", "--platform=x"}, 1, nil, "name a provider, or a platform"},
		"no database":         {[]string{"--platform=x", "--data=/absent"}, 1, nil, "there is no database"},
		"no provider":         {[]string{"nobody"}, 1, nil, "there is no provider nobody"},
		"no such variable":    {[]string{"deepseek", "--credential=apiKey=sk-by-mistake"}, 1, nil, "no environment variable of that name"},
		"an empty variable":   {[]string{"deepseek", "--credential=apiKey=EMPTY"}, 1, nil, "or it is empty"},
		"a proxy not there":   {[]string{"deepseek", "--proxy=NONE"}, 1, nil, "--proxy: there is no"},
		"a bad configuration": {[]string{"deepseek", "--set=addr=x"}, 1, nil, "configuration:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := runProvider(t, env, append([]string{"test"}, c.args...)...)
			if code != c.code || !strings.Contains(stderr, c.stderr) {
				t.Errorf("code %d, %q", code, stderr)
			}
			for _, want := range c.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("%q is not in\n%s", want, stdout)
				}
			}
			for _, hidden := range []string{fakeopenai.DefaultKey, "sk-wrong-0123456789", "sk-by-mistake"} {
				if strings.Contains(stdout+stderr, hidden) {
					t.Errorf("a secret is shown: %s%s", stdout, stderr)
				}
			}
		})
	}
	t.Run("as JSON", func(t *testing.T) {
		t.Parallel()
		code, stdout, _ := runProvider(t, env, "test", "--json", "groq", base, "--credential=apiKey=KEY")
		var r cli.ProviderReport
		if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 0 || !r.OK || len(r.Steps) != 5 || r.Steps[2].Ms <= 0 || len(r.Models) != 6 {
			t.Errorf("code %d, %v, %+v", code, err, r)
		}
	})
}

func TestProviderList(t *testing.T) {
	t.Parallel()
	code, stdout, _ := runProvider(t, nil, "list")
	if code != 0 || !strings.Contains("\n"+stdout, "\nazure\n") || !strings.Contains(stdout, "\nollama\n") {
		t.Errorf("code %d, %q", code, stdout)
	}
}
