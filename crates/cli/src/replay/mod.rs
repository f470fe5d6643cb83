//! `replay`: what the deployed guard would have said and done about CloudTrail logs.

mod files;
mod inflate;
mod split;
