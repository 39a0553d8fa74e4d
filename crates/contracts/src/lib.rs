//! What crosses a boundary of Marca: requests, views, events, error bodies, the route table and the
//! typed clients. Both sides of every wire use these types, so they cannot drift apart.

pub mod api_key;
pub mod authority;
pub mod booking;
pub mod calendar;
pub mod client;
pub mod edit;
pub mod event;
pub mod exception;
pub mod facts;
pub mod form;
pub mod group;
pub mod hold;
pub mod internal;
pub mod landing;
pub mod link;
pub mod page;
pub mod password;
pub mod personal;
pub mod policy;
pub mod problem;
pub mod resource;
pub mod routes;
pub mod security;
pub mod series;
pub mod session;
pub mod status;
pub mod tenant;
pub mod text;
pub mod user;
pub mod waitlist;
pub mod what_if;

pub use routes::Service;
pub use status::BookingStatus;
pub use text::Text;
