package providertest

import (
	"net/url"
	"regexp"
	"slices"
	"testing"

	"github.com/gantry-ai/gantry/internal/provider"
)

var (
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)
	pathForm = regexp.MustCompile(`^[Mm][-MmLlHhVvCcSsQqTtAaZz0-9., ]+$`)
)

func describe(t *testing.T, d provider.Description) {
	t.Helper()
	if !nameForm.MatchString(d.Name) || d.Title == "" {
		t.Errorf("name %q, title %q", d.Name, d.Title)
	}
	if !pathForm.MatchString(d.Logo) {
		t.Errorf("the logo is no SVG path: %.40s", d.Logo)
	}
	if len(d.AuthTypes) == 0 || len(d.Dialects) == 0 || len(d.Models) == 0 {
		t.Errorf("auth types %v, dialects %v, models %v", d.AuthTypes, d.Dialects, d.Models)
	}
	if u, err := url.Parse(d.DefaultBaseURL); err != nil || u.Host == "" && d.DefaultBaseURL != "" {
		t.Errorf("default base URL %q", d.DefaultBaseURL)
	}
	for kind := range d.Dialects {
		if kind.ModelType() == "" {
			t.Errorf("unknown operation %q", kind)
		}
	}
	for _, f := range slices.Concat(d.Credential, d.Config) {
		describeField(t, f)
	}
}

var fieldTypes = []string{"text", "url", "secret", "number", "bool", "select", "map"}

func describeField(t *testing.T, f provider.Field) {
	t.Helper()
	if f.Name == "" || !slices.Contains(fieldTypes, f.Type) || (f.Type == "select") != (len(f.Options) > 0) {
		t.Errorf("field %q has type %q and options %v", f.Name, f.Type, f.Options)
	}
	for _, language := range []string{"en", "zh"} {
		if f.Label[language] == "" || f.Help[language] == "" {
			t.Errorf("field %q lacks its label or help in %q", f.Name, language)
		}
	}
}
