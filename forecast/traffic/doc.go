// Package traffic is the learned forecasting model: one network for all
// sensors of a city, trained for absolute error on what is left of a value
// after its usual course.
package traffic
