package routing_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// FuzzPolicies enters anything as a setting of routing: what is taken makes sense, what is not names a place and a code.
func FuzzPolicies(f *testing.F) {
	for _, text := range []string{
		`{}`, `null`, `{"maxAttempts":3,"timeoutMs":1000,"backoff":{"initialMs":1,"maxMs":0,"multiplier":2.5,"jitter":0.1},"on":["timeout"]}`,
		`{"rules":[{"on":["rate_limited"],"threshold":2,"windowSeconds":9,"keywords":["busy"]}]}`,
		`{"enabled":true,"maxElapsedMs":9,"hedge":{"afterMs":5,"kinds":["chat"]}}`,
		`{"headers":{"X-A":"b"},"modelMapping":{"a":"b"},"statusCodeMapping":{"500":429},"proxyUrl":"http://p","credentialStrategy":{}}`,
		`[{"match":{"model":"a"},"to":"b","percent":10}]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		refused := func(err error) {
			t.Helper()
			var v *fault.Error
			if err != nil && (!errors.As(err, &v) || v.Code == "" || v.Status != 400 || !json.Valid([]byte(`"`+v.Code+`"`))) {
				t.Errorf("%q: %v", raw, err)
			}
		}
		retry, err := routing.ParseRetry("retryPolicy", raw)
		refused(err)
		if retry != nil && (retry.MaxAttempts < 1 || retry.Total < 0 || retry.FirstByte < 0 || retry.Idle < 0) {
			t.Errorf("%q: %+v", raw, retry)
		}
		if retry != nil {
			for tries := range 5 {
				if wait := retry.Backoff.Wait(tries, 0.5); wait < 0 || wait > retry.Backoff.Max {
					t.Errorf("%q waits %v", raw, wait)
				}
			}
		}
		_, err = routing.ParseDegrade("degradePolicy", raw)
		refused(err)
		_, err = routing.ParseDisable("autoDisablePolicy", raw)
		refused(err)
		_, err = routing.ParseConfig(raw)
		refused(err)
		_, err = routing.ReadForward(raw)
		refused(err)
		_, err = routing.ReadFallback(raw)
		refused(err)
		runner, err := routing.ParseRunner(routing.RunnerPolicy{FailoverPolicy: raw, HardStopPolicy: raw, PriorityDemotePolicy: raw})
		refused(err)
		if runner != nil && (runner.Failover.MaxAttempts < 1 || runner.Failover.MaxElapsed < 0) {
			t.Errorf("%q: %+v", raw, runner.Failover)
		}
	})
}
