"""店铺/ERP 对接: connected shops, their bookmarks and the sync job."""
