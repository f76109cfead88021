"""Master data: shops, suppliers, products and SKUs, warehouses, masked customers."""
