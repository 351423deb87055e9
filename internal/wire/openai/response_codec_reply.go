package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
)

// EncodeAnswer writes a whole answer: the response that a stream of the same parts would end with.
func (c responsesCodec) EncodeAnswer(a *inference.Answer, p *inference.Prompt) ([]byte, error) {
	s := c.stream(p)
	s.mute = true
	s.begin(&inference.Delta{ID: a.ID, Model: a.Model, Created: a.Created, ServiceTier: a.ServiceTier})
	if len(a.Candidates) > 0 {
		for i := range a.Candidates[0].Parts {
			s.whole(&a.Candidates[0].Parts[i])
		}
		s.stop = a.Candidates[0].Stop
	}
	s.usage, s.hasUsage = a.Usage, a.HasUsage
	status := replyStatusOf(s.stop)
	s.closeItem(status)
	s.out.B = make([]byte, 0, len(s.items.B)+len(s.echo)+512)
	s.response(status, nil)
	return s.out.B, nil
}

// whole writes a part that is complete.
func (s *responseStream) whole(part *inference.Part) {
	s.openBlock(part)
	if part.Text != "" {
		s.fragment(part.Text, part.Logprobs)
	}
	s.cite(part.Citations)
	s.closeBlock()
}

// replyStatusOf returns the status for a reason to stop. Source: shared/providers/translation.md, section 2.
func replyStatusOf(stop inference.Stop) string {
	switch stop {
	case inference.StopEnd, inference.StopSequence, inference.StopTools:
		return "completed"
	default:
		return "incomplete"
	}
}

func (s *responseStream) details(status string) {
	reason := ""
	switch s.stop {
	case inference.StopLength, inference.StopContext:
		reason = "max_output_tokens"
	case inference.StopRefusal:
		reason = "content_filter"
	default:
	}
	if status != "incomplete" || reason == "" {
		s.out.raw("incomplete_details", rawNull)
		return
	}
	s.out.object("incomplete_details")
	s.out.text("reason", reason)
	s.out.close('}')
}

// response writes the response object as far as it has come.
func (s *responseStream) response(status string, f *inference.Failure) {
	w := &s.out
	w.open()
	w.text("id", s.id)
	w.text("object", "response")
	w.integer("created_at", s.created)
	w.text("status", status)
	w.boolean("background", false)
	if f == nil {
		w.raw("error", rawNull)
	} else {
		w.object("error")
		w.text("code", failureCode(f))
		w.text("message", f.Message)
		w.close('}')
	}
	s.details(status)
	w.Bytes(s.echo)
	w.text("model", s.model)
	w.nullable("service_tier", s.tier)
	w.array("output")
	w.B = append(w.B, s.items.B...)
	w.close(']')
	if s.hasUsage && status != "in_progress" {
		w.usage(&s.usage)
	} else {
		w.raw("usage", rawNull)
	}
	w.close('}')
}

// failureCode is a code that clients of responses know.
func failureCode(f *inference.Failure) string {
	switch f.Category {
	case inference.RateLimited, inference.QuotaExhausted:
		return "rate_limit_exceeded"
	case inference.InvalidRequest, inference.ContentPolicy, inference.ContextLength:
		return "invalid_prompt"
	default:
		return "server_error"
	}
}

// usage writes figures that include their parts, as the format counts. Kinds of tokens that are rare are named if there are any.
func (w *responsePen) usage(u *inference.Usage) {
	w.object("usage")
	w.integer("input_tokens", u.InputTokens())
	w.object("input_tokens_details")
	w.integer("cached_tokens", u.Quantities[inference.TextInputCached])
	w.integer("cache_write_tokens", u.Quantities[inference.TextCacheWrite]+u.Quantities[inference.TextCacheWrite1h])
	w.some("audio_tokens", u.Quantities[inference.AudioInput])
	w.some("image_tokens", u.Quantities[inference.ImageInput])
	w.close('}')
	w.integer("output_tokens", u.OutputTokens())
	w.object("output_tokens_details")
	w.integer("reasoning_tokens", u.Quantities[inference.TextReasoning])
	w.some("audio_tokens", u.Quantities[inference.AudioOutput])
	w.some("image_tokens", u.Quantities[inference.ImageOutput])
	w.close('}')
	w.integer("total_tokens", u.InputTokens()+u.OutputTokens())
	w.close('}')
}

// some writes a number unless it is 0.
func (w *responsePen) some(name string, n int64) {
	if n != 0 {
		w.integer(name, n)
	}
}
