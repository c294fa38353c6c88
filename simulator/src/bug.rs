//! The kill list: mistakes that gates of this kind have made, each put between the world and the shipped protocol by a switch.
//! A check that cannot find them proves nothing.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bug {
    ExecuteAgainAfterLease,
    DeleteOnTimeout,
    CompleteIgnoresFence,
    CompleteOverwrites,
    FenceRestarts,
    ReplyBeforeDurable,
    FingerprintIgnored,
    NoGuard,
    DeadlineIgnored,
    UnreadableIsAbsent,
    DoubtReleases,
    NewAttemptPerTry,
    LeaseNotHeld,
    SweepTooEarly,
    LeaseNeverEnds,
    ProbeNotBound,
    OrderNotBound,
}

impl Bug {
    /// Each of them, and what it is.
    pub(crate) const ALL: [(Self, &str); 17] = [
        (Self::ExecuteAgainAfterLease, "a request whose predecessor's lease has ended is sent on"),
        (Self::DeleteOnTimeout, "a request that timed out is forgotten"),
        (Self::CompleteIgnoresFence, "a completion is taken from whoever brings it"),
        (Self::CompleteOverwrites, "a completion replaces another one"),
        (Self::FenceRestarts, "the fence is a counter that begins anew when the record is gone"),
        (Self::ReplyBeforeDurable, "the ledger answers before what it wrote is durable"),
        (Self::FingerprintIgnored, "another payload gets the replay"),
        (Self::NoGuard, "the record is kept for the ttl alone"),
        (Self::DeadlineIgnored, "the origin is called however late it is"),
        (Self::UnreadableIsAbsent, "a record that cannot be read counts as absent"),
        (Self::DoubtReleases, "what may have executed frees the key"),
        (Self::NewAttemptPerTry, "each try of a begin is a new attempt"),
        (Self::LeaseNotHeld, "a request that is under way does not hold up another one"),
        (Self::SweepTooEarly, "the sweep takes a generation whose records live"),
        (Self::LeaseNeverEnds, "a key whose Worker died is in progress for good"),
        (Self::ProbeNotBound, "what a probe learnt is taken for whichever attempt holds the record by then"),
        (Self::OrderNotBound, "an operator's order is taken for whichever attempt holds the record by then"),
    ];
}
