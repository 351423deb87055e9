package catalog

import (
	"context"
	"errors"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Service reads the catalogue and fills it at the start.
type Service struct{ store Store }

// NewService returns a service.
func NewService(s Store) *Service { return &Service{s} }

// Providers lists all providers.
func (s *Service) Providers(ctx context.Context) ([]Provider, error) {
	return s.store.ProviderList(ctx)
}

// BaseModels lists all base models.
func (s *Service) BaseModels(ctx context.Context) ([]BaseModel, error) {
	return s.store.BaseModelList(ctx)
}

// BaseModel returns one base model by its id or, when that is zero, by its canonical key. Code: not_found.
func (s *Service) BaseModel(ctx context.Context, model id.ID, canonicalKey string) (BaseModel, error) {
	if model.IsZero() {
		return s.store.BaseModelByKey(ctx, canonicalKey)
	}
	return s.store.BaseModelByID(ctx, model)
}

// Match returns the active base model that fits a model name at an upstream: one of the provider itself, else one whose
// provider is spoken to by the adapter of that name, else one of a provider that the name begins with ("openai/gpt-4o").
// Code: not_found.
func (s *Service) Match(ctx context.Context, provider, modelName string) (BaseModel, error) {
	models, err := s.store.BaseModelList(ctx)
	if err != nil {
		return BaseModel{}, err
	}
	providers, err := s.store.ProviderList(ctx)
	if err != nil {
		return BaseModel{}, err
	}
	adapters := map[string]string{}
	for i := range providers {
		adapters[providers[i].Key] = providers[i].Type
	}
	for _, fits := range []func(*BaseModel) bool{
		func(m *BaseModel) bool { return m.ProviderKey == provider && m.ProviderModelName == modelName },
		func(m *BaseModel) bool {
			return adapters[m.ProviderKey] == provider && m.ProviderModelName == modelName
		},
		func(m *BaseModel) bool { return m.CanonicalKey == modelName },
	} {
		for i := range models {
			if models[i].Status == "active" && fits(&models[i]) {
				return models[i], nil
			}
		}
	}
	return BaseModel{}, fault.ErrNotFound
}

// Ensure adds the providers and models whose keys are missing and leaves the others as they are. It may run on several
// nodes at once.
func (s *Service) Ensure(ctx context.Context, providers []Provider, models []BaseModel) error {
	for i := range providers {
		if err := s.add(ctx, func(t tx.Tx) error { return s.store.ProviderInsert(ctx, t, &providers[i]) }, func() (bool, error) {
			return s.hasProvider(ctx, providers[i].Key)
		}); err != nil {
			return err
		}
	}
	for i := range models {
		if err := s.add(ctx, func(t tx.Tx) error { return s.store.BaseModelInsert(ctx, t, &models[i]) }, func() (bool, error) {
			_, err := s.store.BaseModelByKey(ctx, models[i].CanonicalKey)
			if errors.Is(err, fault.ErrNotFound) {
				return false, nil
			}
			return err == nil, err
		}); err != nil {
			return err
		}
	}
	return nil
}

// add inserts what is not there; a conflict means that another node was faster.
func (s *Service) add(ctx context.Context, insert func(tx.Tx) error, there func() (bool, error)) error {
	exists, err := there()
	if err != nil || exists {
		return err
	}
	if err = s.store.InTx(ctx, insert); errors.Is(err, fault.ErrConflict) {
		return nil
	}
	return err
}

func (s *Service) hasProvider(ctx context.Context, key string) (bool, error) {
	providers, err := s.store.ProviderList(ctx)
	for i := range providers {
		if providers[i].Key == key {
			return true, nil
		}
	}
	return false, err
}

// nameTypes tells what a model is for by a part of its name, where neither catalogue nor operator says; the first that
// fits counts.
var nameTypes = []struct {
	part  string
	types []inference.ModelType
}{
	{"embed", []inference.ModelType{inference.TypeEmbedding}},
	{"bge-", []inference.ModelType{inference.TypeEmbedding}},
	{"rerank", []inference.ModelType{inference.TypeRerank}},
	{"moderation", []inference.ModelType{inference.TypeModeration}},
	{"whisper", []inference.ModelType{inference.TypeSTT}},
	{"transcribe", []inference.ModelType{inference.TypeSTT}},
	{"tts", []inference.ModelType{inference.TypeTTS}},
	{"realtime", []inference.ModelType{inference.TypeRealtime}},
	{"video", []inference.ModelType{inference.TypeVideo}},
	{"sora", []inference.ModelType{inference.TypeVideo}},
	{"veo", []inference.ModelType{inference.TypeVideo}},
	{"image", []inference.ModelType{inference.TypeImage, inference.TypeImageEdit}},
	{"dall-e", []inference.ModelType{inference.TypeImage}},
	{"flux", []inference.ModelType{inference.TypeImage}},
}

// SuggestTypes guesses what a model is for by its name: chat when nothing tells otherwise.
func SuggestTypes(modelName string) []inference.ModelType {
	name := strings.ToLower(modelName)
	for _, n := range nameTypes {
		if strings.Contains(name, n.part) {
			return n.types
		}
	}
	return []inference.ModelType{inference.TypeChat}
}
