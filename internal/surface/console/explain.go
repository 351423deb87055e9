package console

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire"
)

// maxFaults bounds an inquiry.
const maxFaults = 1000

// explainRoute tells where a request would go. It is the relay's own answer.
func (s *Surface) explainRoute(w http.ResponseWriter, call *httpx.Call) error {
	var in api.RouteInquiry
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	q, err := s.inquiry(call, &in)
	if err != nil {
		return err
	}
	e, err := s.Explain(q)
	if err != nil {
		return err
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, showExplanation(q, &e))
}

func (s *Surface) inquiry(call *httpx.Call, in *api.RouteInquiry) (*relay.Inquiry, error) {
	who, err := s.subject(call.Context(), call.Principal, &in.Subject)
	if err != nil {
		return nil, err
	}
	if in.Seed < 0 || in.Request.InputTokens < 0 || in.Request.MaxOutputTokens < 0 {
		return nil, fault.ErrInvalid.Saying("Numbers are not to be negative.").At("request")
	}
	from, err := addressOf(call, in.Request.Ip)
	if err != nil {
		return nil, err
	}
	q := &relay.Inquiry{
		Principal: who, From: from, Kind: inference.Kind(in.Kind), InputTokens: in.Request.InputTokens, Seed: uint64(in.Seed),
		Ask: wire.Ask{
			Model: in.Model, Stream: in.Request.Stream, MaxOutput: in.Request.MaxOutputTokens, Choices: 1,
			StickyKey: in.Request.Conversation,
		},
	}
	if in.Kind == "" {
		q.Kind = inference.Chat
	}
	if q.Kind.ModelType() == "" {
		return nil, fault.ErrInvalid.Saying("There is no such operation.").At("kind")
	}
	if err := readNeeds(q, in.Request.Features); err != nil {
		return nil, err
	}
	return q, readFaults(q, in.Faults)
}

// addressOf is where the request is supposed to come from: from where the inquiry does, unless it says otherwise.
func addressOf(call *httpx.Call, text string) (netip.Addr, error) {
	if text == "" {
		return httpx.Address(call.Request), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return a, fault.ErrInvalid.Saying("This is not an address.").At("request.ip")
	}
	return a, nil
}

func readNeeds(q *relay.Inquiry, features []api.RouteRequestFeatures) error {
	for i, f := range features {
		switch f {
		case "images":
			q.Ask.Needs |= wire.NeedsImages
		case "tools":
			q.Ask.Needs |= wire.NeedsTools
		default:
			return fault.ErrInvalid.Saying("There is no such feature.").At(fmt.Sprintf("request.features[%d]", i))
		}
	}
	return nil
}

func readFaults(q *relay.Inquiry, faults []api.RouteFault) error {
	if len(faults) > maxFaults {
		return fault.ErrInvalid.Saying("There are too many faults.").At("faults")
	}
	for i, f := range faults {
		path := fmt.Sprintf("faults[%d]", i)
		out := relay.Fault{Kind: relay.FaultKind(f.Fault)}
		if !out.Kind.Known() {
			return fault.ErrInvalid.Saying("There is no such fault.").At(path + ".fault")
		}
		for _, field := range []struct {
			name, text string
			into       *id.ID
		}{
			{"platformId", f.PlatformId, &out.Platform},
			{"platformModelId", f.PlatformModelId, &out.Model},
			{"credentialId", f.CredentialId, &out.Credential},
		} {
			if err := readID(path+"."+field.name, field.text, field.into); err != nil {
				return err
			}
		}
		q.Faults = append(q.Faults, out)
	}
	return nil
}

// readID reads an id; "" is none.
func readID(path, text string, into *id.ID) error {
	if err := into.UnmarshalText([]byte(text)); err != nil {
		return fault.ErrInvalid.Saying("This is not an id.").At(path)
	}
	return nil
}

// subject is for whom the inquiry is: the caller where it does not say.
func (s *Surface) subject(ctx context.Context, caller *identity.Principal, in *api.RouteSubject) (*identity.Principal, error) {
	var user, key id.ID
	if err := readID("subject.userId", in.UserId, &user); err != nil {
		return nil, err
	}
	if err := readID("subject.apiKeyId", in.ApiKeyId, &key); err != nil {
		return nil, err
	}
	if user.IsZero() && key.IsZero() {
		return caller, nil
	}
	if user.IsZero() {
		user = caller.UserID
	}
	p, err := s.Identity.Directory.Subject(ctx, user, key)
	if f := fault.From(err); f != nil {
		return nil, f.At("subject")
	}
	return p, nil
}

func showExplanation(q *relay.Inquiry, e *relay.Explanation) api.RouteExplanation {
	out := api.RouteExplanation{
		Model: e.Route.Alias, Kind: string(q.Kind), Seed: int64(e.Seed), Verdict: e.Verdict, //nolint:gosec // counted from 0
		Candidates: make([]api.RouteStanding, len(e.Candidates)), Steps: make([]api.RouteStep, len(e.Steps)),
	}
	for i := range e.Candidates {
		out.Candidates[i] = showStanding(&e.Candidates[i])
	}
	for i := range e.Steps {
		out.Steps[i] = showStep(i+1, &e.Steps[i])
	}
	if f := e.Refusal; f != nil {
		out.Error = &api.RouteRefusal{
			Code: f.Code, Message: f.Message, Status: f.Status, RetryAfterSeconds: int64((f.RetryAfter + time.Second - 1) / time.Second),
		}
	}
	return out
}

func showStanding(c *relay.Candidate) api.RouteStanding {
	t := c.Target
	out := api.RouteStanding{
		PlatformId: t.Platform.ID.String(), PlatformName: t.Platform.Name, PlatformModelId: t.Model.ID.String(),
		CredentialId: t.CredentialID.String(), Model: t.Model.ProviderModelName, Gate: c.Gate, Reason: c.Reason,
		EffectivePriority: c.Priority, Load: c.Load, Weight: c.Weight, KeyWeight: c.Share, Chosen: c.Chosen,
		AccessRuleId: c.Rule.String(),
	}
	if !c.Until.IsZero() {
		out.Until = c.Until.UTC().Format(time.RFC3339Nano)
	}
	return out
}

func showStep(no int, s *relay.ForeseenAttempt) api.RouteStep {
	t := s.Target
	return api.RouteStep{
		No: no, PlatformId: t.Platform.ID.String(), PlatformName: t.Platform.Name, PlatformModelId: t.Model.ID.String(),
		CredentialId: t.CredentialID.String(), Category: string(s.Category), StatusCode: s.Status, Verdict: s.Verdict,
		WaitMs: s.Wait.Milliseconds(),
	}
}
