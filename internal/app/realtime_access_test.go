package app

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// secretFor makes an ephemeral key.
func (h *house) secretFor(key string, body any) string {
	h.t.Helper()
	var made struct {
		Value     string `json:"value"`
		ExpiresAt int64  `json:"expires_at"`
	}
	h.call("POST", "/v1/realtime/client_secrets", key, body, &made, 200)
	if !strings.HasPrefix(made.Value, "ek_") || made.ExpiresAt <= h.now().Unix() {
		h.t.Errorf("%+v", made)
	}
	return made.Value
}

// refusedDial is the status and the code with which a handshake is refused.
func (h *house) refusedDial(query, key string, header ...string) (int, string) {
	h.t.Helper()
	c, resp, err := h.dial(query, key, header...)
	if err == nil {
		_ = c.CloseNow()
		return resp.StatusCode, ""
	}
	if resp == nil {
		h.t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	var body struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(text, &body) != nil {
		h.t.Errorf("%d %s is not the protocol's", resp.StatusCode, text)
	}
	return resp.StatusCode, body.Error.Code
}

func TestWhoMayOpenASession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectVoices()
	ada, poor := h.invite("ada", "10"), h.invite("poor", "0.01")
	chatOnly := h.keyFor(ada, "ada", "chat")
	ek := h.secretFor(ada.key, map[string]any{"session": map[string]any{"type": "realtime", "model": "talk"}})
	for name, c := range map[string]struct {
		query, key string
		header     []string
		status     int
		code       string
	}{
		"nobody":           {"?model=talk", "", nil, 401, "unauthorized"},
		"a wrong key":      {"?model=talk", "sk-nope", nil, 401, "invalid_api_key"},
		"two keys":         {"?model=talk", ada.key, []string{"Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key." + ada.key}, 401, "unauthorized"},
		"another scope":    {"?model=talk", chatOnly, nil, 403, "insufficient_scope"},
		"no model":         {"", ada.key, nil, 400, "invalid_parameter"},
		"an unknown model": {"?model=gpt-realtime", ada.key, nil, 404, "model_not_found"},
		"another kind":     {"?model=ears", ada.key, nil, 404, "model_not_found"},
		"no money":         {"?model=talk", poor.key, nil, 402, "insufficient_balance"},
		"a call":           {"?call_id=rtc_1", ada.key, nil, 404, "realtime_calls_unsupported"},
		"only hearing":     {"?intent=transcription", ada.key, nil, 400, "transcription_sessions_unsupported"},
		"key's model":      {"?model=ears", ek, nil, 400, "invalid_parameter"},
		"a broken key":     {"", ek + "x", nil, 401, "invalid_api_key"},
		"key by header":    {"", ek, nil, 101, ""},
		"from elsewhere":   {"?model=talk", ada.key, []string{"Origin", "https://elsewhere.example"}, 101, ""},
		"from a browser":   {"?model=talk", "", []string{"Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key." + ek + ", openai-beta.realtime-v1", "Origin", "https://x"}, 101, ""},
	} {
		if status, code := h.refusedDial(c.query, c.key, c.header...); status != c.status || code != c.code {
			t.Errorf("%s: %d %s, want %d %s", name, status, code, c.status, c.code)
		}
	}
	for fault, want := range map[string]int{"500": 502, "401": 502, "429": 429, "malformed": 502} {
		fake.Script(fakeopenai.Step{Fault: fault}, fakeopenai.Step{Fault: fault}, fakeopenai.Step{Fault: fault})
		if status, code := h.refusedDial("?model=talk", ada.key); status != want && status != 503 || code == "invalid_api_key" {
			t.Errorf("%s: %d %s, want %d", fault, status, code, want)
		}
		fake.Reset()
	}
	resp, text := h.send("GET", "/v1/realtime?model=talk", ada.key, nil)
	if resp.StatusCode != http.StatusUpgradeRequired || resp.Header.Get("Upgrade") != "websocket" || !strings.Contains(string(text), `"upgrade_required"`) {
		t.Errorf("no upgrade: %d %s", resp.StatusCode, text)
	}
	resp, text = h.send("POST", "/v1/realtime?model=talk", ada.key, nil)
	if resp.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(string(text), `"error"`) {
		t.Errorf("posted: %d %s", resp.StatusCode, text)
	}
	for path, code := range map[string]string{"calls": "realtime_calls_unsupported", "transcription_sessions": "transcription_sessions_unsupported"} {
		if _, text := h.send("POST", "/v1/realtime/"+path, ada.key, map[string]any{}); !strings.Contains(string(text), code) {
			t.Errorf("%s: %s", path, text)
		}
	}
	if resp, _ := h.send("GET", "/v1/models", ek, nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an ephemeral key opens more than sessions: %d", resp.StatusCode)
	}
	h.settled()
}

// keyFor makes a key of a person's with one scope.
func (h *house) keyFor(_ guest, name, scope string) string {
	h.t.Helper()
	var login struct {
		AccessToken string `json:"accessToken"`
	}
	h.call("POST", "/api/v1/auth/login", "", map[string]any{"account": name, "password": "a long password"}, &login, 200)
	var key struct {
		Secret string `json:"secret"`
	}
	h.call("POST", "/api/v1/api-keys", login.AccessToken, map[string]any{"name": scope, "scopes": []string{scope}}, &key, 201)
	return key.Secret
}

func TestKeysForBrowsers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connectVoices()
	ada := h.invite("ada", "10")
	describe := func(more map[string]any) map[string]any {
		session := map[string]any{"type": "realtime", "model": "talk", "instructions": "Speak of boats."}
		maps.Copy(session, more)
		return map[string]any{"session": session}
	}
	c := h.talk("", h.secretFor(ada.key, describe(map[string]any{"output_modalities": []string{"text"}})))
	if s := newest(c.until("session.created")).in("session"); s.text("instructions") != "Speak of boats." || s.text("model") != "talk" {
		t.Errorf("%v", s)
	}
	c.send(answerMe)
	c.until("response.done")
	_ = c.Close(websocket.StatusNormalClosure, "")
	if rows := h.kept(ada, 1); rows[0].APIKeyName != "test" || rows[0].Status != tasks.Succeeded {
		t.Errorf("%+v", rows[0])
	}
	var beta map[string]any
	h.call("POST", "/v1/realtime/sessions", ada.key, map[string]any{"model": "talk", "modalities": []string{"text"}}, &beta, 200)
	secret, _ := beta["client_secret"].(map[string]any)
	value, _ := secret["value"].(string)
	old := h.talk("?model=talk", "", "Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key."+value)
	old.until("session.created")
	old.send(answerMe)
	old.until("response.text.delta")
	_ = old.CloseNow()
	for name, c := range map[string]struct {
		body   any
		status int
		code   string
	}{
		"too short":      {map[string]any{"expires_after": map[string]any{"seconds": 9}, "session": map[string]any{"model": "talk"}}, 400, "invalid_parameter"},
		"too long":       {map[string]any{"expires_after": map[string]any{"seconds": 7201}, "session": map[string]any{"model": "talk"}}, 400, "invalid_parameter"},
		"another anchor": {map[string]any{"expires_after": map[string]any{"anchor": "now"}, "session": map[string]any{"model": "talk"}}, 400, "invalid_parameter"},
		"no model":       {map[string]any{"session": map[string]any{}}, 400, "invalid_parameter"},
		"unknown model":  {map[string]any{"session": map[string]any{"model": "gpt-realtime"}}, 404, "model_not_found"},
		"another type":   {describe(map[string]any{"type": "transcription"}), 400, "invalid_parameter"},
		"too large":      {describe(map[string]any{"instructions": strings.Repeat("x", 13<<10)}), 413, "session_too_large"},
	} {
		if resp, text := h.send("POST", "/v1/realtime/client_secrets", ada.key, c.body); resp.StatusCode != c.status || !strings.Contains(string(text), c.code) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, text)
		}
	}
	// The largest description that travels.
	h.talk("", h.secretFor(ada.key, describe(map[string]any{"instructions": strings.Repeat("x", 12<<10-200)}))).until("session.created")
	// What it stands for is gone, and so is it.
	ek := h.secretFor(ada.key, describe(nil))
	h.disableKeys(ada)
	if status, code := h.refusedDial("", ek); status != 401 || code != "key_disabled" {
		t.Errorf("of a disabled key: %d %s", status, code)
	}
}

// disableKeys switches a person's keys off.
func (h *house) disableKeys(who guest) {
	h.t.Helper()
	var login struct {
		AccessToken string `json:"accessToken"`
	}
	h.call("POST", "/api/v1/auth/login", "", map[string]any{"account": "ada", "password": "a long password"}, &login, 200)
	var keys struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	h.call("GET", "/api/v1/api-keys", login.AccessToken, nil, &keys, 200)
	for _, k := range keys.Items {
		h.call("PATCH", "/api/v1/api-keys/"+k.ID+"/disable", login.AccessToken, map[string]any{}, nil, 200)
	}
	_ = who
}

// TestACallerWhoLeavesInTheMiddleCancelsTheUpstream within half a second, and pays for what was out.
func TestACallerWhoLeavesInTheMiddleCancelsTheUpstream(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectVoices()
	ada := h.invite("ada", "10")
	fake.Script(fakeopenai.Step{Fault: "hang", After: 3})
	c := h.talk("?model=talk", ada.key)
	c.until("session.created")
	c.send(answerMe)
	for range 3 {
		c.until("response.output_audio.delta")
	}
	left := time.Now()
	_ = c.CloseNow()
	if _, err := fake.Wait(t.Context(), func(all []fakeopenai.Request) bool { return all[len(all)-1].Ended }); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(left); took > 500*time.Millisecond {
		t.Errorf("the upstream was left alone after %v", took)
	}
	row := h.kept(ada, 1)[0]
	if row.BillReason != "client_gone" || row.Status != tasks.Canceled || row.Charged <= 0 || row.Charged.Text("USD") > "0.0003" {
		t.Errorf("%s %s %s %v", row.BillReason, row.Status, row.Charged.Text("USD"), row.Usage)
	}
	h.settled()
}

func TestSessionsKeepTheirBounds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectVoices()
	ada := h.invite("ada", "100")
	open := func() talker {
		c := h.talk("?model=talk", ada.key)
		c.until("session.created")
		return c
	}
	c := open()
	if err := c.Write(t.Context(), websocket.MessageBinary, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if code, _ := c.end(); code != websocket.StatusUnsupportedData {
		t.Errorf("binary: %d", code)
	}
	c = open()
	c.send(`{"type":"input_audio_buffer.append","audio":"` + strings.Repeat("A", 15<<20) + `"}`)
	c.send(`{"type":"input_audio_buffer.commit"}`)
	c.until("input_audio_buffer.committed")
	_ = c.CloseNow()
	c = open()
	go func() { _ = c.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("A", 17<<20))) }()
	if code, _ := c.end(); code != websocket.StatusMessageTooBig {
		t.Errorf("17 MiB: %d", code)
	}
	fake.Script(fakeopenai.Step{Fault: "cut", After: 2})
	c = open()
	c.send(answerMe)
	if code, e := c.end(); code != websocket.StatusInternalError || e.text("code") != "upstream_error" {
		t.Errorf("cut: %d %v", code, e)
	}
	h.limit(ada, `{"concurrent":1}`, ``)
	held := open()
	if status, code := h.refusedDial("?model=talk", ada.key); status != 429 || code != "rate_limit" {
		t.Errorf("the second session: %d %s", status, code)
	}
	held.send(inText)
	held.until("session.updated")
	held.send(answerMe)
	held.until("response.done") // which is within the one
	_ = held.Close(websocket.StatusNormalClosure, "")
	h.limit(ada, `{"tpm":10}`, ``)
	c = open()
	c.send(answerMe)
	c.until("response.done")
	c.send(`{"type":"response.create","event_id":"more"}`)
	if e := newest(c.until("error")).in("error"); e.text("code") != "rate_limit" || e.text("event_id") != "more" {
		t.Errorf("%v", e)
	}
	_ = c.Close(websocket.StatusNormalClosure, "")
	h.kept(ada, 5)
	h.settled()
}

// TestWhatIsSpokenIsWrittenDownAndAnswered goes the way of a program with a microphone: the upstream hears when somebody has
// finished, has it written down and answers.
func TestWhatIsSpokenIsWrittenDownAndAnswered(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		h.connectVoices()
		ada := h.invite("ada", "10")
		c := h.talk("?model=talk", ada.key)
		c.until("session.created")
		c.send(`{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad"},"transcription":{"model":"ears"}}}}}`)
		if s := newest(c.until("session.updated")).in("session", "audio", "input", "transcription"); s.text("model") != "ears" {
			t.Errorf("%v", s)
		}
		c.send(silence(96_000))
		c.until("conversation.item.input_audio_transcription.completed")
		c.until("response.done")
		_ = c.Close(websocket.StatusNormalClosure, "")
		rows := h.kept(ada, 2)
		byKind := map[string]string{}
		for i := range rows {
			byKind[string(rows[i].Kind)] = rows[i].Charged.Text("USD")
		}
		if len(rows) != 2 || byKind["audio.transcriptions"] != "0.0002" || byKind["realtime"] != "0.00112" { // 2 s; 20 tokens of sound, 6 of text and 6 of sound
			t.Errorf("%v", byKind)
		}
		h.settled()
	})
}

// TestAnybodyCanTalkToTheSimulation, in simulated money.
func TestAnybodyCanTalkToTheSimulation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connectVoices()
	ada := h.invite("ada", "")
	for _, query := range []string{"?model=sim-realtime", "?model=talk&runMode=simulation"} {
		c := h.talk(query, ada.key)
		c.until("session.created")
		c.send(saying("Tell me about harbours."))
		c.until("conversation.item.done")
		c.send(answerMe)
		c.until("response.done")
		_ = c.Close(websocket.StatusNormalClosure, "")
	}
	for _, row := range h.kept(ada, 2) {
		if !row.Simulated || row.Currency != "SIM" || row.Charged == 0 || row.BillReason != "usage" {
			t.Errorf("%+v", row)
		}
	}
	h.settled()
}
