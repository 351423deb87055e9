package fakeopenai

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Models of operations that are no chats. They are known without being among Options.Models.
const (
	CompletionModel   = "gpt-3.5-turbo-instruct"
	SpeechModel       = "gpt-4o-mini-tts"
	LegacySpeechModel = "tts-1"
	TranscriptModel   = "gpt-4o-transcribe"
	WhisperModel      = "whisper-1"
	ModerationModel   = "omni-moderation-latest"
	RerankModel       = "bge-reranker-v2-m3" // OpenAI has none; servers that imitate it do
)

// Sound is what every recording is: a tenth of a second of silence in WAV.
var Sound = func() []byte {
	const samples = 4800
	head, err := base64.StdEncoding.DecodeString("UklGRuQSAABXQVZFZm10IBAAAAABAAEAwF0AAIC7AAACABAAZGF0YcASAAA=")
	if err != nil {
		panic(err)
	}
	return append(head, make([]byte, samples)...)
}()

func (s *Server) mountEndpoints() {
	s.mux.HandleFunc("POST /v1/completions", s.completions)
	s.mux.HandleFunc("POST /v1/audio/speech", s.speech)
	s.mux.HandleFunc("POST /v1/audio/transcriptions", s.transcriptions)
	s.mux.HandleFunc("POST /v1/audio/translations", s.translations)
	s.mux.HandleFunc("POST /v1/moderations", s.moderations)
	s.mux.HandleFunc("POST /v1/rerank", s.rerank)
	s.mux.HandleFunc("POST /v1/images/variations", s.variations)
}

// one takes a request for one of some models and finds the step that it is answered by.
func (s *Server) one(p params, models ...string) (model string, step Step, fault *apiError) {
	asked, _ := p["model"].(string)
	if model, _ = splitModel(asked); !slices.Contains(models, model) {
		return "", step, &apiError{Status: 404, Code: "model_not_found", Param: "model", Message: "The model `" + asked + "` does not exist or you do not have access to it."}
	}
	model, step = s.step(asked)
	return model, step, nil
}

var completionParams = []string{
	"model", "prompt", "best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "n", "presence_penalty",
	"seed", "stop", "stream", "stream_options", "suffix", "temperature", "top_p", "user",
}

func (s *Server) completions(w http.ResponseWriter, _ *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, completionParams)
	var step Step
	if fault == nil {
		_, step, fault = s.one(p, CompletionModel)
	}
	c := &chatRequest{model: CompletionModel, n: 1}
	if fault == nil {
		fault = c.checkStream(p)
	}
	limit, given, wrong := p.integer("max_tokens", 0, 4096)
	if !given {
		limit = 16
	}
	prompt, isText := p["prompt"].(string)
	if fault == nil && wrong == nil && (!isText || prompt == "") {
		wrong = invalid("prompt", "missing_required_parameter", "Missing required parameter: 'prompt'.")
	}
	if fault == nil {
		fault = wrong
	}
	if fault != nil {
		fault.write(w)
		return
	}
	if !e.obey(step, c.stream) {
		s.complete(e, c, prompt, int(limit), step)
	}
}

// complete goes on with a prompt by repeating it.
func (s *Server) complete(e *exchange, c *chatRequest, prompt string, limit int, step Step) {
	said, finish := tokens(" "+prompt+" and so on"), "stop"
	if len(said) > limit {
		said, finish = said[:limit], "length"
	}
	head := func(choices ...any) map[string]any {
		return map[string]any{"id": "cmpl-fake", "object": "text_completion", "created": s.options.Clock().Unix(), "model": c.model, "choices": choices}
	}
	choice := func(text string, finish any) any {
		return map[string]any{"index": 0, "text": text, "logprobs": nil, "finish_reason": finish}
	}
	n := len(tokens(prompt))
	usage := map[string]int{"prompt_tokens": n, "completion_tokens": len(said), "total_tokens": n + len(said)}
	if !c.stream {
		out := head(choice(strings.Join(said, ""), finish))
		out["usage"] = usage
		e.sendWhole(out, step)
		return
	}
	var events [][]byte
	for _, token := range said {
		events = append(events, marshal(head(choice(token, nil))))
	}
	events = append(events, marshal(head(choice("", finish))))
	if c.includeUsage {
		last := head([]any{}...)
		last["choices"], last["usage"] = []any{}, usage
		events = append(events, marshal(last))
	}
	e.sendEvents(append(events, []byte("[DONE]")), step)
}

// sendEvents sends data as it is; events that name their type get it as a field of their own.
func (e *exchange) sendEvents(events [][]byte, step Step) {
	e.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	e.WriteHeader(http.StatusOK)
	for i, data := range events {
		if e.R.Context().Err() != nil || e.interrupt(step, i, i == len(events)-1) {
			return
		}
		if _, rest, named := strings.Cut(string(data), `"type":"`); named {
			name, _, _ := strings.Cut(rest, `"`)
			_, _ = e.Write([]byte("event: " + name + "\n"))
		}
		e.event(data, step)
	}
}

var speechParams = []string{"model", "input", "voice", "instructions", "response_format", "speed", "stream_format"}

func (s *Server) speech(w http.ResponseWriter, _ *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, speechParams)
	var model string
	var step Step
	if fault == nil {
		model, step, fault = s.one(p, SpeechModel, LegacySpeechModel)
	}
	if fault == nil {
		fault = p.checkSpeech(model)
	}
	if fault != nil {
		fault.write(w)
		return
	}
	stream := p["stream_format"] == "sse"
	switch {
	case e.obey(step, stream):
	case stream:
		half := len(Sound) / 2
		delta := func(b []byte) []byte {
			return marshal(map[string]any{"type": "speech.audio.delta", "audio": base64.StdEncoding.EncodeToString(b)})
		}
		e.sendEvents([][]byte{delta(Sound[:half]), delta(Sound[half:]), []byte(
			`{"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}`)}, step)
	default:
		e.sendSound(p, step)
	}
}

func (p params) checkSpeech(model string) *apiError {
	input, _ := p["input"].(string)
	format, given := p["response_format"].(string)
	switch {
	case input == "" || len([]rune(input)) > 4096:
		return invalid("input", "string_too_short", "Invalid 'input': expected a string of 1 to 4096 characters.")
	case p["voice"] == nil:
		return invalid("voice", "missing_required_parameter", "Missing required parameter: 'voice'.")
	case given && !slices.Contains([]string{"mp3", "opus", "aac", "flac", "wav", "pcm"}, format):
		return invalid("response_format", "invalid_value", "Invalid 'response_format'.")
	case model == LegacySpeechModel && (p["instructions"] != nil || p["stream_format"] == "sse"):
		return unsupported("instructions", model)
	}
	return p.decimal("speed", 0.25, 4)
}

// sendSound sends the recording in two pieces, and cuts it between them if it is to be cut.
func (e *exchange) sendSound(p params, step Step) {
	kind := map[any]string{"wav": "audio/wav", "pcm": "audio/pcm"}[p["response_format"]]
	if kind == "" {
		kind = "audio/mpeg"
	}
	e.Header().Set("Content-Type", kind)
	half := len(Sound) / 2
	_, _ = e.Write(Sound[:half])
	e.Flush()
	if step.Fault == "cut" {
		e.Abort()
	}
	_, _ = e.Write(Sound[half:])
}

var (
	transcriptFields = []string{
		"file", "model", "language", "prompt", "response_format", "temperature", "stream", "include[]", "timestamp_granularities[]",
		"chunking_strategy", "known_speaker_names[]", "known_speaker_references[]",
	}
	translationFields = []string{"file", "model", "prompt", "response_format", "temperature"}
	variationFields   = []string{"image", "model", "n", "size", "response_format", "user"}
)

// form reads a form, in which only one field may be a file.
func (e *exchange) form(known []string, file string) (params, *apiError) {
	media, attributes, err := mime.ParseMediaType(e.R.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return nil, invalid("", "unsupported_content_type", "Expected multipart/form-data.")
	}
	p := params{}
	for form := multipart.NewReader(bytes.NewReader(e.body), attributes["boundary"]); ; {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, invalid("", "invalid_multipart", "The form cannot be read.")
		}
		content, _ := io.ReadAll(part)
		name := part.FormName()
		if !slices.Contains(known, name) || (part.FileName() != "") != (name == file) {
			return nil, invalid(name, "unknown_parameter", "Unknown parameter: '%s'.", name)
		}
		p[name] = string(content)
		if name == file {
			p["filename"] = part.FileName()
		}
	}
	if p[file] == nil {
		return nil, invalid(file, "missing_required_parameter", "Missing required parameter: '%s'.", file)
	}
	return p, nil
}

func (s *Server) transcriptions(w http.ResponseWriter, _ *http.Request) {
	s.transcript(w.(*exchange), transcriptFields) //nolint:forcetypeassert // ServeHTTP made it
}

func (s *Server) translations(w http.ResponseWriter, _ *http.Request) {
	s.transcript(w.(*exchange), translationFields) //nolint:forcetypeassert // ServeHTTP made it
}

// Transcript is what every recording says.
const Transcript = "Silence is golden."

func (s *Server) transcript(e *exchange, fields []string) {
	p, fault := e.form(fields, "file")
	var model string
	var step Step
	if fault == nil {
		model, step, fault = s.one(p, TranscriptModel, WhisperModel)
	}
	if fault == nil && !slices.Contains([]string{"audio.wav", "audio.mp3", "audio.m4a", "audio.ogg", "audio.flac", "audio.webm"}, p["filename"].(string)) { //nolint:forcetypeassert // form set it
		fault = invalid("file", "", "Unrecognized file format.")
	}
	format, given := p["response_format"].(string)
	if fault == nil && given && model == TranscriptModel && format != "json" && format != "text" {
		fault = invalid("response_format", "unsupported_value", "response_format '%s' is not compatible with model '%s'.", format, model)
	}
	if fault != nil {
		fault.write(e)
		return
	}
	stream := p["stream"] == "true" && model != WhisperModel // which pays no heed to it
	if !e.obey(step, stream) {
		e.sendTranscript(model, format, stream, step)
	}
}

func (e *exchange) sendTranscript(model, format string, stream bool, step Step) {
	usage := map[string]any{"type": "duration", "seconds": 1}
	if model == TranscriptModel {
		usage = map[string]any{
			"type": "tokens", "input_tokens": 14, "output_tokens": 5, "total_tokens": 19,
			"input_token_details": map[string]int{"text_tokens": 4, "audio_tokens": 10},
		}
	}
	switch {
	case stream:
		e.sendEvents([][]byte{
			[]byte(`{"type":"transcript.text.delta","delta":"Silence is"}`), []byte(`{"type":"transcript.text.delta","delta":" golden."}`),
			marshal(map[string]any{"type": "transcript.text.done", "text": Transcript, "usage": usage}),
		}, step)
	case format == "text" || format == "srt" || format == "vtt":
		e.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = e.Write([]byte(Transcript + "\n"))
	case format == "verbose_json":
		e.sendWhole(map[string]any{
			"task": "transcribe", "language": "english", "duration": 0.10000000149011612, "text": Transcript, "segments": []any{}, "usage": usage,
		}, step)
	default:
		e.sendWhole(map[string]any{"text": Transcript, "usage": usage}, step)
	}
}

func (s *Server) moderations(w http.ResponseWriter, _ *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, []string{"model", "input"})
	var step Step
	if fault == nil {
		_, step, fault = s.one(p, ModerationModel)
	}
	if fault == nil && p["input"] == nil {
		fault = invalid("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	}
	if fault != nil {
		fault.write(w)
		return
	}
	if e.obey(step, false) {
		return
	}
	inputs := 1
	if list, ok := p["input"].([]any); ok {
		if _, texts := list[0].(string); texts {
			inputs = len(list)
		}
	}
	result := map[string]any{
		"flagged": false, "categories": map[string]bool{"violence": false}, "category_scores": map[string]float64{"violence": 0.01},
		"category_applied_input_types": map[string][]string{"violence": {"text"}},
	}
	e.sendWhole(map[string]any{"id": "modr-fake", "model": ModerationModel, "results": slices.Repeat([]any{result}, inputs)}, step)
}

var rerankParams = []string{
	"model", "query", "documents", "top_n", "return_documents", "max_chunk_per_doc", "max_chunks_per_doc", "overlap_tokens", "instruction",
}

// rerank scores documents by their place, the last one first.
func (s *Server) rerank(w http.ResponseWriter, _ *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, rerankParams)
	var step Step
	if fault == nil {
		_, step, fault = s.one(p, RerankModel)
	}
	documents, _ := p["documents"].([]any)
	top, given, wrong := p.integer("top_n", 1, int64(max(1, len(documents))))
	if !given {
		top = int64(len(documents))
	}
	if fault == nil && (wrong != nil || p["query"] == nil || len(documents) == 0) {
		fault = invalid("documents", "invalid_value", "A query, documents and at most as many results are wanted.")
	}
	if fault != nil {
		fault.write(w)
		return
	}
	if e.obey(step, false) {
		return
	}
	results := make([]any, top)
	for i := range results {
		results[i] = map[string]any{"index": len(documents) - 1 - i, "relevance_score": 0.9 / float64(i+1)}
	}
	out := map[string]any{"id": "rerank-fake", "model": RerankModel, "results": results}
	if step.Fault != "no_usage" {
		out["usage"] = map[string]int{"total_tokens": 10 * len(documents)}
	}
	e.sendWhole(out, step)
}

func (s *Server) variations(w http.ResponseWriter, _ *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := e.form(variationFields, "image")
	var step Step
	if fault == nil {
		_, step, fault = s.one(p, LegacyModel)
	}
	count, _ := p["n"].(string)
	n, err := strconv.Atoi(count)
	if count == "" {
		n, err = 1, nil
	}
	if fault == nil && (err != nil || n < 1 || n > 10) {
		fault = invalid("n", "invalid_value", "Invalid 'n': expected an integer from 1 to 10.")
	}
	if fault != nil {
		fault.write(w)
		return
	}
	if !e.obey(step, false) {
		writeJSON(w, http.StatusOK, s.pictures(n, p["response_format"] != "b64_json", LegacyModel))
	}
}
