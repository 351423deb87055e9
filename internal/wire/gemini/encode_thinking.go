package gemini

import (
	"cmp"
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Budgets of efforts in tokens. Source: the provider sheet "translation", "Reasoning effort ↔ budget".
var budgets = map[string]int64{
	"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 32768,
}

const (
	// mostBudget and mostProBudget are the most that models take; a pro model cannot be kept from thinking.
	mostBudget     = 24576
	mostProBudget  = 32768
	leastProBudget = 128
)

// levels are the efforts of models that think by levels.
var levels = map[string]string{
	"none": "minimal", "minimal": "minimal", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high",
}

// thinking writes thinkingConfig: a level or a budget, never both.
func (e *encoder) thinking() error {
	r := &e.p.Reasoning
	if !r.Given() && r.Summary == "" {
		return nil
	}
	if !e.model.thinks {
		return e.l.Parameter("reasoning", cmp.Or(r.Effort, "on"), "The model does not think.")
	}
	if r.Effort != "" && !wire.KnownEffort(r.Effort) {
		return e.l.Parameter("reasoning", r.Effort, "The model knows no such effort.")
	}
	e.w.Key("thinkingConfig").Open('{')
	off := r.Effort == "none" || r.HasBudget && r.Budget == 0
	if r.Summary != "hidden" && !off {
		e.w.Key("includeThoughts").Bool(true)
	}
	switch {
	case e.model.signs:
		e.level(r)
	default:
		e.budget(r)
	}
	e.w.Close('}')
	return nil
}

func (e *encoder) level(r *inference.Reasoning) {
	effort := r.Effort
	if effort == "" && r.HasBudget {
		effort = wire.EffortOf(r.Budget)
		e.l.Changed("reasoning budget", strconv.FormatInt(r.Budget, 10), effort, "The model thinks by levels.")
	}
	level := levels[effort]
	if e.model.pro && level == "minimal" {
		level = "low"
	}
	e.w.Text("thinkingLevel", level)
}

func (e *encoder) budget(r *inference.Reasoning) {
	n, given := r.Budget, r.HasBudget
	if !given {
		n, given = budgets[r.Effort]
	}
	if r.Adaptive && !given {
		n, given = -1, true
	}
	if !given {
		return
	}
	if n >= 0 {
		fitted := min(n, mostBudget)
		if e.model.pro {
			fitted = max(leastProBudget, min(n, mostProBudget))
		}
		if fitted != n && r.HasBudget {
			e.l.Changed("reasoning budget", strconv.FormatInt(n, 10), strconv.FormatInt(fitted, 10), "The model takes no such budget.")
		}
		n = fitted
	}
	e.w.Key("thinkingBudget").Int(n)
}
