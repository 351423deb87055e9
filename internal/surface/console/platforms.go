package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

const (
	probeTimeout = 45 * time.Second
	probeBusy    = 5 * time.Second
	maxModels    = 1000
)

// testPlatform tries out a draft; nothing is kept.
func (s *Surface) testPlatform(w http.ResponseWriter, call *httpx.Call) error {
	var in api.PlatformTestInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	account, err := s.Routing.Try(routing.NewPlatform{
		Provider: in.Provider, BaseURL: in.BaseUrl, Credentials: in.Credentials, Config: in.Config,
	})
	if err != nil {
		return err
	}
	if err := identity.CheckText("model", in.Model, 128); err != nil {
		return err
	}
	report, err := s.probe(call.Context(), account, in.Model)
	if err != nil {
		return err
	}
	out, err := s.showReport(call.Context(), in.Provider, report)
	if err != nil {
		return err
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func (s *Surface) probe(ctx context.Context, a routing.Account, model string) (ProbeReport, error) {
	select {
	case s.probes <- struct{}{}:
		defer func() { <-s.probes }()
	default:
		return ProbeReport{}, identity.ErrTooManyTries.Saying("Too many platforms are being tested.").After(probeBusy)
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return s.Prober.Probe(ctx, a, model), nil
}

func (s *Surface) showReport(ctx context.Context, provider string, r ProbeReport) (api.PlatformTestReport, error) {
	out := api.PlatformTestReport{Ok: true, Steps: make([]api.PlatformTestStep, len(r.Steps)), Models: []api.PlatformTestModel{}}
	for i, step := range r.Steps {
		out.Steps[i] = api.PlatformTestStep{
			Name: api.PlatformTestStepName(step.Name), Ok: step.OK, Skipped: step.Skipped,
			Ms: int(step.Duration.Milliseconds()), Message: step.Message.EN, Advice: step.Advice.EN,
			MessageZh: step.Message.ZH, AdviceZh: step.Advice.ZH,
		}
		out.Ok = out.Ok && (step.OK || step.Skipped)
	}
	for _, name := range r.Models[:min(len(r.Models), maxModels)] {
		m, err := s.suggest(ctx, provider, name)
		if err != nil {
			return out, err
		}
		out.Models = append(out.Models, m)
	}
	return out, nil
}

// suggest tells what a model of the upstream is for: by the catalogue, else by its name.
func (s *Surface) suggest(ctx context.Context, provider, name string) (api.PlatformTestModel, error) {
	base, err := s.Catalog.Match(ctx, provider, name)
	if errors.Is(err, fault.ErrNotFound) {
		return api.PlatformTestModel{Id: name, SuggestedTypes: typeNames(catalog.SuggestTypes(name))}, nil
	}
	return api.PlatformTestModel{Id: name, SuggestedTypes: typeNames(base.Types), BaseModelKey: base.CanonicalKey}, err
}

func typeNames(types []inference.ModelType) []string {
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = string(t)
	}
	return out
}

// connectPlatform keeps a platform with its models; they can be called when this answers.
func (s *Surface) connectPlatform(w http.ResponseWriter, call *httpx.Call) error {
	var in api.PlatformConnectInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	if len(in.Models) > maxModels {
		return fault.ErrInvalid.Saying("There are too many models.").At("models")
	}
	c, err := s.Routing.Connect(call.Context(), call.Actor(), routing.NewPlatform{
		Provider: in.Provider, Name: in.Name, BaseURL: in.BaseUrl, Credentials: in.Credentials, Config: in.Config,
	}, in.Models)
	if err != nil {
		return err
	}
	out, err := showConnection(&c)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, out)
}

func showConnection(c *routing.Connection) (api.PlatformConnection, error) {
	p := &c.Platform
	preview, err := json.Marshal(p.CredentialsPreview())
	if err != nil {
		return api.PlatformConnection{}, err
	}
	out := api.PlatformConnection{
		Platform: api.Platform{
			Id: p.ID.String(), Name: p.Name, InternalName: p.InternalName, Provider: p.Provider, PlatformKey: p.Key,
			BaseUrl: p.BaseURL, AuthType: p.AuthType, Config: p.Config, CredentialsPreview: preview, Status: string(p.Status),
			Priority: int(p.Priority), EffectivePriority: int(p.EffectivePriority()),
			DefaultDiscountFactor: money.Number(p.Discount.Text()), CreatedAt: httpx.Time(p.CreatedAt),
			UpdatedAt: httpx.Time(p.UpdatedAt),
		},
		Models: make([]api.PlatformModel, len(c.Models)),
	}
	for i := range c.Models {
		out.Models[i] = showModel(&c.Models[i], p)
	}
	return out, nil
}

func showModel(m *routing.PlatformModel, p *routing.Platform) api.PlatformModel {
	return api.PlatformModel{
		Id: m.ID.String(), PlatformId: p.ID.String(), PlatformName: p.Name, Provider: p.Provider,
		BaseModelId: m.BaseModelID.String(), ModelName: m.Name, ModelAlias: m.Alias, ProviderModelName: m.ProviderModelName,
		DisplayName: m.DisplayName, ModelType: typeNames(m.Types), DiscountFactor: money.Number(m.Discount.Text()),
		Enabled: m.Enabled, CreatedAt: httpx.Time(m.CreatedAt), UpdatedAt: httpx.Time(m.UpdatedAt),
	}
}
