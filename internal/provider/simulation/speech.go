package simulation

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/simulation/voice"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/sound"
)

const (
	// maxSpoken is how many characters are spoken at once. Source: the protocol.
	maxSpoken = 4096
	// soundPiece is a quarter of a second, pieceTokens the tokens that it stands for.
	soundPiece  = voice.Rate / 2
	pieceTokens = 5
)

// speech speaks a text: as a file that comes piece by piece, or in events.
func (e *engine) speech(ctx context.Context, c *provider.Call, p plan) (*http.Response, error) {
	f, err := wire.PeekSpeech(c.Body)
	switch {
	case err != nil:
		return refusalOf(err).response(c), nil
	case !is(f.Model, speechModel):
		return unknownModel(f.Model).response(c), nil
	case f.Characters > maxSpoken:
		return bad("input", "string_above_max_length", "Invalid 'input': at most 4096 characters are spoken at once.").response(c), nil
	case f.Format != "" && f.Format != "wav" && f.Format != "pcm":
		return bad("response_format", "invalid_value", "The simulation records in wav and pcm; without 'response_format' in wav.").response(c), nil
	case p.fault == faultMalformed:
		return response(c, http.StatusOK, "text/html", newScript(ctx, e.now, plan{}, []beat{{event: []byte("<html>")}})), nil
	}
	file, kind := voice.Speak(nil, f.Input, f.Voice, f.Speed), "audio/pcm"
	if f.Format != "pcm" {
		file, kind = voice.WAV(file, f.Input), sound.WAV
	}
	if c.Stream {
		return response(c, http.StatusOK, "text/event-stream; charset=utf-8", newScript(ctx, e.now, p, speechBeats(&f, file, p))), nil
	}
	var beats []beat
	for piece := range slices.Chunk(file, soundPiece) {
		beats = append(beats, beat{event: piece, tokens: pieceTokens})
	}
	beats[len(beats)-1].last = true
	return response(c, http.StatusOK, kind, newScript(ctx, e.now, p, beats)), nil
}

// speechBeats are the events of a stream with sound in them.
func speechBeats(f *wire.SpeechFacts, file []byte, p plan) (out []beat) {
	add := func(name string, tokens int, more map[string]any) {
		more["type"] = name
		out = append(out, beat{event: []byte("event: " + name + "\ndata: " + compact(more) + "\n\n"), tokens: tokens})
	}
	for piece := range slices.Chunk(file, soundPiece) {
		add("speech.audio.delta", pieceTokens, map[string]any{"audio": base64.StdEncoding.EncodeToString(piece)})
	}
	done := map[string]any{}
	if input, made := count(f.Input), pieceTokens*len(out); p.fault != faultNoUsage {
		done["usage"] = map[string]int{"input_tokens": input, "output_tokens": made, "total_tokens": input + made}
	}
	add("speech.audio.done", 0, done)
	out[len(out)-1].last = true
	return out
}
