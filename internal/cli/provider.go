package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// Providers is what the program can tell about upstreams.
type Providers struct {
	// Test tries out an account step by step. It needs no database and keeps nothing.
	Test func(ctx context.Context, c config.Config, account ProviderAccount) (ProviderReport, error)
	// TestPlatform tries out a platform of the installation, named by its name, key or id, with its first credential.
	TestPlatform func(ctx context.Context, c config.Config, platform, model string) (ProviderReport, error)
	// Names lists the providers that there are, in order.
	Names func() []string
}

// ProviderAccount is an account to be tried out.
type ProviderAccount struct {
	Provider   string
	BaseURL    string
	AuthType   string
	Credential map[string]secret.String
	Headers    map[string]string
	Config     []byte // JSON of the adapter's settings; empty means its defaults
	ProxyURL   secret.String
	Model      string // empty: the first that looks right
}

// ProviderReport is what became of the steps, and the models that the upstream named.
type ProviderReport struct {
	OK     bool           `json:"ok"`
	Steps  []ProviderStep `json:"steps"`
	Models []string       `json:"models"`
}

// ProviderStep is one step. State is ok, failed or skipped; Advice says what to do about a failure. Both texts stand in English
// and in Chinese.
type ProviderStep struct {
	Name    string  `json:"name"`
	State   string  `json:"state"`
	Ms      float64 `json:"ms"`
	Message string  `json:"message"`
	Advice  string  `json:"advice,omitempty"`

	MessageZH string `json:"messageZh,omitempty"`
	AdviceZH  string `json:"adviceZh,omitempty"`
}

type providerCommands struct {
	Test providerTestCommand `cmd:"" help:"Try out an account: resolve, TLS, sign in, list models, call one for a token; code 1 when a step fails."`
	List providerListCommand `cmd:"" help:"List the providers that there are."`
}

type providerListCommand struct{}

// Run prints one name a line.
func (providerListCommand) Run(p Program) error {
	if p.Providers.Names == nil {
		return errors.New("this build has no providers")
	}
	_, err := fmt.Fprintln(p.Stdout, strings.Join(p.Providers.Names(), "\n"))
	return err
}

type providerTestCommand struct {
	settings

	Provider   string            `arg:"" optional:"" help:"Name of the provider; see gantry provider list."`
	Platform   string            `placeholder:"NAME" help:"Platform of this installation to be tried out instead: its name, key or id."`
	BaseURL    string            `name:"base-url" placeholder:"URL" help:"Address of the upstream; else the provider's own."`
	AuthType   string            `name:"auth-type" placeholder:"TYPE" help:"Way to sign in; else the provider's first."`
	Credential map[string]string `mapsep:"none" placeholder:"FIELD=VARIABLE" help:"Environment variable that holds a field of the credential, such as apiKey=DEEPSEEK_API_KEY; may be repeated. A secret never stands on the command line itself."`
	Header     map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"Header that goes out with every call; may be repeated."`
	Settings   string            `placeholder:"JSON" help:"The adapter's own settings, as an object."`
	Proxy      string            `placeholder:"VARIABLE" help:"Environment variable that holds the address of a proxy."`
	Model      string            `placeholder:"NAME" help:"Model to call; else the first that looks right."`
	Timeout    time.Duration     `default:"60s" help:"How long all steps may take together."`
	JSON       bool              `name:"json" help:"Print the report as JSON."`
}

// Run prints a line for each step and fails when a step did.
func (c providerTestCommand) Run(ctx context.Context, p Program) error {
	if p.Providers.Test == nil {
		return errors.New("this build has no providers")
	}
	if (c.Provider == "") == (c.Platform == "") {
		return errors.New("name a provider, or a platform with --platform")
	}
	account, err := c.account(p.Env)
	if err != nil {
		return err
	}
	settled, _, err := c.load(p)
	if err != nil {
		return fmt.Errorf("configuration:\n%w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	report, err := c.test(ctx, p, settled, account)
	if err != nil {
		return err
	}
	render := renderProviderJSON
	if !c.JSON {
		render = renderProvider
		report.speak(p.Env)
	}
	if err := render(p.Stdout, report); err != nil {
		return err
	}
	if !report.OK {
		return errors.New("the upstream cannot be used yet")
	}
	return nil
}

// speak says the steps in the language of the environment, which is Chinese or else English.
func (r *ProviderReport) speak(environ []string) {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		language, err := variableOf(environ, name)
		if err != nil {
			continue
		}
		for i := range r.Steps {
			if s := &r.Steps[i]; strings.HasPrefix(language.Reveal(), "zh") && s.MessageZH != "" {
				s.Message, s.Advice = s.MessageZH, s.AdviceZH
			}
		}
		return
	}
}

func (c providerTestCommand) test(ctx context.Context, p Program, settled config.Config, a ProviderAccount) (ProviderReport, error) {
	if c.Platform != "" {
		return p.Providers.TestPlatform(ctx, settled, c.Platform, c.Model)
	}
	return p.Providers.Test(ctx, settled, a)
}

func (c providerTestCommand) account(environ []string) (ProviderAccount, error) {
	out := ProviderAccount{
		Provider: c.Provider, BaseURL: c.BaseURL, AuthType: c.AuthType, Credential: map[string]secret.String{}, Headers: c.Header,
		Config: []byte(c.Settings), Model: c.Model,
	}
	for field, variable := range c.Credential {
		value, err := variableOf(environ, variable)
		if err != nil {
			return out, fmt.Errorf("--credential %s: %w", field, err)
		}
		out.Credential[field] = value
	}
	if c.Proxy == "" {
		return out, nil
	}
	var err error
	if out.ProxyURL, err = variableOf(environ, c.Proxy); err != nil {
		return out, fmt.Errorf("--proxy: %w", err)
	}
	return out, nil
}

// variableOf reads an environment variable; the error does not repeat what was given, which may be a secret by mistake.
func variableOf(environ []string, name string) (secret.String, error) {
	for _, entry := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok && name != "" && value != "" {
			return secret.New(value), nil
		}
	}
	return secret.String{}, errors.New("there is no environment variable of that name, or it is empty")
}

func renderProviderJSON(w io.Writer, r ProviderReport) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// renderProvider prints one line per step, and below a failed one what to do.
func renderProvider(w io.Writer, r ProviderReport) error {
	out := &errWriter{w: w}
	marks := map[string]string{"ok": "ok", "failed": "FAIL", "skipped": "-"}
	for _, s := range r.Steps {
		took := ""
		if s.Ms > 0 {
			took = strconv.FormatFloat(s.Ms, 'f', 1, 64) + " ms"
		}
		out.printf("%-5s %-8s %12s  %s\n", marks[s.State], s.Name, took, printable(s.Message))
		if s.Advice != "" {
			out.printf("%-28s %s\n", "", printable(s.Advice))
		}
	}
	const shown = 10
	if n := len(r.Models); n > 0 {
		more := ""
		if n > shown {
			more = ", and " + strconv.Itoa(n-shown) + " more"
		}
		out.printf("\nmodels: %s%s\n", printable(strings.Join(r.Models[:min(n, shown)], ", ")), more)
	}
	return out.err
}
