package catalog_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/catalog/catalogtest"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

func filled(t *testing.T) *catalog.Service {
	t.Helper()
	s := catalog.NewService(catalogtest.NewStore())
	for range 2 { // a second start changes nothing
		err := s.Ensure(t.Context(), []catalog.Provider{
			{ID: id.New(), Key: "openai", Type: "openai"}, {ID: id.New(), Key: "deepseek", Type: "openai"},
		}, []catalog.BaseModel{
			{ID: id.New(), CanonicalKey: "openai/gpt-4o", ProviderKey: "openai", ProviderModelName: "gpt-4o", Status: "active"},
			{ID: id.New(), CanonicalKey: "deepseek/chat", ProviderKey: "deepseek", ProviderModelName: "chat", Status: "active"},
			{ID: id.New(), CanonicalKey: "openai/old", ProviderKey: "openai", ProviderModelName: "old", Status: "disabled"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestEnsureAddsWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := filled(t)
	providers, _ := s.Providers(t.Context())
	models, err := s.BaseModels(t.Context())
	if err != nil || len(providers) != 2 || len(models) != 3 {
		t.Errorf("%d providers, %d models, %v", len(providers), len(models), err)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	s := filled(t)
	for _, c := range []struct{ provider, name, want string }{
		{"openai", "gpt-4o", "openai/gpt-4o"},
		{"deepseek", "chat", "deepseek/chat"},
		{"openai", "chat", "deepseek/chat"},
		{"openrouter", "openai/gpt-4o", "openai/gpt-4o"},
		{"anthropic", "gpt-4o", ""},
		{"openai", "old", ""},
	} {
		got, err := s.Match(t.Context(), c.provider, c.name)
		if got.CanonicalKey != c.want || (c.want == "") != errors.Is(err, fault.ErrNotFound) {
			t.Errorf("%s %s: %q, %v", c.provider, c.name, got.CanonicalKey, err)
		}
	}
}

func TestSuggestTypes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]inference.ModelType{
		"gpt-4o": "chat", "text-embedding-3-small": "embedding", "DALL-E-3": "image", "gpt-4o-transcribe": "stt", "tts-1": "tts",
	} {
		if got := catalog.SuggestTypes(name); !slices.Contains(got, want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
