package air

// Version counts the changes of emission, dispersion, chemistry and their
// joining that change results: results stored under an older count are not
// found again. The coefficients have a version of their own, emission.Version.
const Version = "air-1"
