package access_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

func TestConditionsHold(t *testing.T) {
	t.Parallel()
	who := access.Caller{
		At: noon, Kind: inference.Chat, Address: netip.MustParseAddr("::ffff:10.1.2.3"),
		Attributes: access.ReadAttributes(nil, json.RawMessage(`{"team":"lab","seats":3,"beta":true,"tags":["a"],"x":null}`),
			json.RawMessage(`{"team":"house","country":"NL"}`), json.RawMessage(`[]`)),
	}
	for conditions, want := range map[string]bool{
		``: true, `null`: true, `{}`: true,
		`{"ip":["10.0.0.0/8"]}`: true, `{"ip":["192.0.2.1","10.1.2.3"]}`: true, `{"ip":["10.1.2.4"]}`: false, `{"ip":["::ffff:10.1.2.3"]}`: true,
		`{"ip":["fd00::/8"]}`:                                                                        false,
		`{"requestKind":["embeddings"]}`:                                                             false,
		`{"requestKind":["embeddings","chat.completions"]}`:                                          true,
		`{"metadata":{"team":"lab"}}`:                                                                true,
		`{"metadata":{"team":"house"}}`:                                                              false,
		`{"metadata":{"country":"NL","seats":3,"beta":true}}`:                                        true,
		`{"metadata":{"seats":"3"}}`:                                                                 false,
		`{"metadata":{"beta":"true"}}`:                                                               false,
		`{"metadata":{"tags":"a"}}`:                                                                  false,
		`{"metadata":{"absent":""}}`:                                                                 false,
		`{"timeWindow":{"days":["mon"]}}`:                                                            true,
		`{"timeWindow":{"days":["tue"]}}`:                                                            false,
		`{"timeWindow":{"from":"12:00","to":"12:01"}}`:                                               true,
		`{"timeWindow":{"from":"11:00","to":"12:00"}}`:                                               false,
		`{"timeWindow":{"from":"22:00","to":"12:30"}}`:                                               true,
		`{"timeWindow":{"days":["sun"],"from":"22:00","to":"12:30"}}`:                                true,
		`{"timeWindow":{"days":["mon"],"from":"22:00","to":"12:30"}}`:                                false,
		`{"timeWindow":{"from":"00:00","to":"24:00"}}`:                                               true,
		`{"timeWindow":{"from":"20:00","to":"20:01","timezone":"+08:00"}}`:                           true,
		`{"timeWindow":{"notBefore":"2026-03-02T12:00:00Z"}}`:                                        true,
		`{"timeWindow":{"notBefore":"2026-03-02T12:00:01Z"}}`:                                        false,
		`{"timeWindow":{"notAfter":"2026-03-02T12:00:00Z"}}`:                                         false,
		`{"timeWindow":{"notBefore":"2026-03-01T00:00:00+01:00","notAfter":"2026-03-03T00:00:00Z"}}`: true,
		`{"ip":["10.0.0.0/8"],"requestKind":["embeddings"]}`:                                         false,
		`{"timeWindow":null,"ip":null}`:                                                              true,
	} {
		c, err := access.ParseConditions("conditions", json.RawMessage(conditions))
		if err != nil {
			t.Errorf("%s: %v", conditions, err)
			continue
		}
		if got := c.Hold(&who); got != want {
			t.Errorf("%s: %v, want %v", conditions, got, want)
		}
	}
	nowhere := access.Caller{At: time.Time{}}
	c, err := access.ParseConditions("", json.RawMessage(`{"ip":["0.0.0.0/0","::/0"]}`))
	if err != nil || c.Hold(&nowhere) {
		t.Errorf("an unknown address lies in a block: %v", err)
	}
}

func TestConditionsAreRefusedWithTheirPath(t *testing.T) {
	t.Parallel()
	for conditions, path := range map[string]string{
		`[]`: "c", `"x"`: "c", `{"when":1,"also":2}`: "c.also", `{"ip":"10.0.0.1"}`: "c.ip", `{"ip":[]}`: "c.ip", `{"ip":["10.0.0.1","10.0.0"]}`: "c.ip[1]",
		`{"ip":["fe80::1%eth0"]}`: "c.ip[0]", `{"requestKind":["poetry"]}`: "c.requestKind[0]", `{"metadata":[]}`: "c.metadata", `{"metadata":{}}`: "c.metadata",
		`{"metadata":{"a":["b"]}}`: "c.metadata.a", `{"metadata":{"a":null}}`: "c.metadata.a", `{"timeWindow":{}}`: "c.timeWindow",
		`{"timeWindow":{"form":"09:00"}}`: "c.timeWindow.form", `{"timeWindow":{"from":"09:00"}}`: "c.timeWindow.to",
		`{"timeWindow":{"from":9,"to":"10:00"}}`: "c.timeWindow.from", `{"timeWindow":{"from":"25:00","to":"10:00"}}`: "c.timeWindow.from",
		`{"timeWindow":{"days":["monday"]}}`: "c.timeWindow.days[0]", `{"timeWindow":{"days":["mon"],"timezone":"Europe/Paris"}}`: "c.timeWindow.timezone",
		`{"timeWindow":{"notBefore":"today"}}`:                                                  "c.timeWindow.notBefore",
		`{"timeWindow":{"notBefore":"2026-01-02T00:00:00Z","notAfter":"2026-01-01T00:00:00Z"}}`: "c.timeWindow.notAfter",
		`{"ip":["` + strings.Repeat("1", 9000) + `"]}`:                                          "c",
	} {
		_, err := access.ParseConditions("c", json.RawMessage(conditions))
		if !errors.Is(err, fault.ErrInvalid) || fault.From(err).Path != path {
			t.Errorf("%.100s: %v, want it refused at %s", conditions, err, path)
		}
	}
}

func FuzzConditions(f *testing.F) {
	f.Add(`{"timeWindow":{"from":"09:00","to":"18:00","days":["mon"]},"ip":["10.0.0.0/8"]}`)
	f.Add(`{"metadata":{"a":1},"requestKind":["embeddings"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := access.ParseConditions("c", json.RawMessage(text))
		if err != nil {
			if path := fault.From(err).Path; !strings.HasPrefix(path, "c") {
				t.Errorf("refused at %q", path)
			}
			return
		}
		c.Hold(&access.Caller{At: noon})
	})
}
