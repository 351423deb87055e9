package gateway

import (
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func (s *Surface) listRuleSets(w http.ResponseWriter, call *httpx.Call) error {
	sets, err := s.Pricing.RuleSets(call.Context())
	if err != nil {
		return err
	}
	out := api.HttpapiPricingRuleSetListResponse{Items: make([]api.StorePricingRuleSet, len(sets))}
	for i := range sets {
		out.Items[i] = showRuleSet(&sets[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// listRules lists the rules of all sets, as they are in force.
func (s *Surface) listRules(w http.ResponseWriter, call *httpx.Call) error {
	sets, err := s.Pricing.RuleSets(call.Context())
	if err != nil {
		return err
	}
	out := api.HttpapiPricingRuleListResponse{Items: []api.StorePricingRule{}}
	for i := range sets {
		for j := range sets[i].Rules {
			out.Items = append(out.Items, showPricingRule(&sets[i].Rules[j]))
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showRuleSet(v *pricing.RuleSet) api.StorePricingRuleSet {
	out := api.StorePricingRuleSet{
		Id: v.ID.String(), RuleSetKey: v.Key, Name: v.Name, Description: v.Description, Category: v.Category,
		Currency: string(v.Currency), IsDefault: v.Default, Version: int(v.Version), EffectiveAt: httpx.Time(v.EffectiveAt),
		Status: v.Status, Metadata: object(v.Metadata), CreatedAt: httpx.Time(v.CreatedAt), UpdatedAt: httpx.Time(v.UpdatedAt),
		Rules: make([]api.StorePricingRule, len(v.Rules)),
	}
	for i := range v.Rules {
		out.Rules[i] = showPricingRule(&v.Rules[i])
	}
	return out
}

func showPricingRule(r *pricing.Rule) api.StorePricingRule {
	price := r.BasePrice()
	return api.StorePricingRule{
		Id: r.ID.String(), RuleSetId: r.RuleSetID.String(), RuleKey: r.Key, DisplayName: r.DisplayName,
		ScopeType: r.ScopeType, ScopeId: r.ScopeID, ResourceType: r.Resource.String(), Unit: string(r.Unit),
		BasePrice: money.Number(price), BasePriceText: price, Currency: string(r.Currency), CalculatorType: r.Calculator,
		Priority: int(r.Priority), BaseWeight: object(r.BaseWeight), DynamicWeight: object(r.DynamicWeight),
		DimensionSchema: object(r.DimensionSchema), FormulaConfig: object(r.Config), Status: r.Status,
		Metadata: object(r.Metadata), CreatedAt: httpx.Time(r.CreatedAt), UpdatedAt: httpx.Time(r.UpdatedAt),
	}
}

func (s *Surface) createRuleSet(w http.ResponseWriter, call *httpx.Call) error {
	p, err := readRuleSet(call)
	if err != nil {
		return err
	}
	set, err := s.Pricing.CreateRuleSet(call.Context(), call.Actor(), pricing.RuleSetInput{
		Key: said(p.Key), Name: said(p.Name), Description: said(p.Description), Category: said(p.Category),
		Currency: or(p.Currency, s.Wallets.Primary()), Status: said(p.Status), Metadata: p.Metadata, Rules: p.Rules,
		EffectiveAt: p.EffectiveAt,
	})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, showRuleSet(&set))
}

// updateRuleSet saves a version; what the body leaves out stays as it is. It prices calls when this answers.
func (s *Surface) updateRuleSet(w http.ResponseWriter, call *httpx.Call) error {
	id, err := pathID(call, "ruleSetID")
	if err != nil {
		return err
	}
	p, err := readRuleSet(call)
	if err != nil {
		return err
	}
	set, err := s.Pricing.UpdateRuleSet(call.Context(), call.Actor(), id, p)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showRuleSet(&set))
}

func (s *Surface) deleteRuleSet(w http.ResponseWriter, call *httpx.Call) error {
	id, err := pathID(call, "ruleSetID")
	if err != nil {
		return err
	}
	if err := s.Pricing.DeleteRuleSet(call.Context(), call.Actor(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func readRuleSet(call *httpx.Call) (pricing.RuleSetPatch, error) {
	var in api.StorePricingRuleSetInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return pricing.RuleSetPatch{}, err
	}
	p := pricing.RuleSetPatch{
		Key: in.RuleSetKey, Name: in.Name, Description: in.Description, Category: in.Category,
		Currency: (*money.Currency)(in.Currency), Status: in.Status, Metadata: in.Metadata,
	}
	var err error
	if p.EffectiveAt, err = readOptionalTime("effectiveAt", in.EffectiveAt); err != nil {
		return p, err
	}
	if in.Rules != nil {
		p.Rules, err = pricing.ReadRules(in.Rules)
	}
	return p, err
}

// readOptionalTime reads a time that may be left out. Code: invalid_parameter.
func readOptionalTime(path string, text *string) (time.Time, error) {
	if said(text) == "" {
		return time.Time{}, nil
	}
	return readTime(path, *text)
}

// said is what an input says; "" where it says nothing.
func said(text *string) string { return or(text, "") }

func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}
