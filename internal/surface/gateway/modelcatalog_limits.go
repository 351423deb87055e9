package gateway

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
)

// bounds are the tightest of several rate limits that all hold; 0 does not bound.
type bounds struct {
	rpm, tpm, concurrent int64
	others               []string // of windows that have no name of their own
}

func boundsOf(subjects []limits.Subject) (b bounds) {
	for i := range subjects {
		rate := subjects[i].Rate
		if rate == nil {
			continue
		}
		b.concurrent = tighter(b.concurrent, rate.Concurrent)
		for _, w := range rate.Windows {
			b.add(&w)
		}
	}
	return b
}

func (b *bounds) add(w *limits.Window) {
	switch {
	case w.Span == time.Minute && w.Metric == limits.Requests:
		b.rpm = tighter(b.rpm, w.Limit)
	case w.Span == time.Minute && w.Metric == limits.Tokens:
		b.tpm = tighter(b.tpm, w.Limit)
	default:
		if text := windowText(w); !slices.Contains(b.others, text) {
			b.others = append(b.others, text)
		}
	}
}

func windowText(w *limits.Window) string {
	if w.Metric == limits.Amount { // of a major unit, whatever the currency
		return "spending of " + money.Factor(w.Limit).Text() + " per " + spanText(w.Span)
	}
	return fmt.Sprintf("%d %s per %s", w.Limit, w.Metric, spanText(w.Span))
}

func spanText(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + " d"
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + " h"
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + " s"
}

func tighter(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// sourceBounds are what a source can take. Each of its keys takes as much as a key can.
func sourceBounds(src *relay.Source) bounds {
	isKey := func(s limits.Subject) bool { return s.Kind == limits.KindCredential }
	b := boundsOf(slices.DeleteFunc(slices.Clone(src.Limits), isKey))
	key := boundsOf(slices.DeleteFunc(slices.Clone(src.Limits), func(s limits.Subject) bool { return !isKey(s) }))
	keys := int64(src.Keys)
	b.rpm, b.tpm = tighter(b.rpm, key.rpm*keys), tighter(b.tpm, key.tpm*keys)
	b.concurrent = tighter(b.concurrent, key.concurrent*keys)
	return b
}

// itemLimits are what bounds the caller at a model: its own limits, and what all sources together can take.
func (v *catalogView) itemLimits(sources []relay.Source) api.HttpapiModelCatalogRateLimits {
	b := boundsOf(v.own)
	together := boundsTogether(sources)
	b.rpm, b.tpm = tighter(b.rpm, together.rpm), tighter(b.tpm, together.tpm)
	b.concurrent = tighter(b.concurrent, together.concurrent)
	return b.show("Your limits, and what all sources together can take: ")
}

// boundsTogether adds up what sources can take; one without a bound lifts it. Models of a platform that share its windows
// are one source each, so this is at most what it says.
func boundsTogether(sources []relay.Source) (sum bounds) {
	for i := range sources {
		b := sourceBounds(&sources[i])
		if i == 0 {
			sum = b
			continue
		}
		sum.rpm, sum.tpm = plus(sum.rpm, b.rpm), plus(sum.tpm, b.tpm)
		sum.concurrent = plus(sum.concurrent, b.concurrent)
	}
	return sum
}

func plus(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	return a + b
}

func (b *bounds) show(title string) api.HttpapiModelCatalogRateLimits {
	out := api.HttpapiModelCatalogRateLimits{Rpm: count(b.rpm), Tpm: count(b.tpm), Concurrent: count(b.concurrent)}
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{{b.rpm, "requests per minute"}, {b.tpm, "tokens per minute"}, {b.concurrent, "at once"}} {
		if p.n > 0 {
			parts = append(parts, strconv.FormatInt(p.n, 10)+" "+p.what)
		}
	}
	parts = append(parts, b.others...)
	if len(parts) == 0 {
		out.Label, out.Title = "unlimited", "There is no rate limit."
		return out
	}
	out.Label, out.Title = parts[0], title+strings.Join(parts, ", ")+"."
	return out
}

// count shows a bound; nothing where there is none.
func count(n int64) money.Number {
	if n == 0 {
		return ""
	}
	return money.Number(strconv.FormatInt(n, 10))
}
