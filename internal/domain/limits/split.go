package limits

// Split takes the target's part out of an admission. What it returns ends on its own, with the weights of the target; the
// admission keeps the caller's part. It is for a request that is under way at two targets: each has its own end, the caller
// has one. Of an admission that has ended, or has nothing, it returns the zero value.
func (a *Admission) Split() Admission {
	if !a.Open() {
		return Admission{}
	}
	// Both keep all grants: each settles those of its own gauges.
	target := Admission{limiter: a.limiter, grants: a.grants, receipt: Receipt{Request: a.receipt.Request}}
	caller := gauges{}
	for i := range a.gauges.n {
		to := &target.gauges
		if a.gauges.of[i].scope.Kind.OfCaller() {
			to = &caller
		}
		to.insert(a.gauges.of[i], a.gauges.rates[i])
	}
	a.gauges = caller
	a.receipt = a.receipt.split(&target.receipt)
	return target
}

// split moves what was taken of the target's shared windows, and returns what is left.
func (r *Receipt) split(target *Receipt) Receipt {
	caller := Receipt{Request: r.Request}
	for i := range r.Claims {
		to := target
		if r.Claims[i].Scope.Kind.OfCaller() {
			to = &caller
		}
		to.Claims, to.Grants = append(to.Claims, r.Claims[i]), append(to.Grants, r.Grants[i])
	}
	return caller
}
