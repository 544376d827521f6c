#![doc = include_str!("../README.md")]

pub mod access;
pub mod archive;
pub mod cli;
mod docs;
pub mod lifecycle;
pub mod router;
pub mod seed;
mod web;
